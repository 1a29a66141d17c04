"""Labels of IRN, against loops and golden numbers."""

from importlib.util import find_spec

import numpy as np
import pytest
from fake_data import view
from golden_files import golden

from wsss_harness.contract.types import ClassScores
from wsss_irn import Irn
from wsss_irn.labels import LabelFiles, above, labels_of, sharpened, sure_labels

needs_crf = pytest.mark.skipif(
    find_spec("pydensecrf") is None, reason="pydensecrf2 needs a compiler to install"
)
IMAGE = np.random.default_rng(0).integers(0, 256, (6, 9, 3), np.uint8)
WITHOUT_CRF = Irn(crf="none")


def loop_above(values, threshold):
    """The first class with the largest score that is above the threshold, from 1; else 0."""
    indices = np.zeros(values.shape[1:], int)
    for y, x in np.ndindex(indices.shape):
        best = np.float32(threshold)
        for k, score in enumerate(values[:, y, x], 1):
            if score > best:
                best, indices[y, x] = score, k
    return indices


@pytest.mark.parametrize("threshold", [0.3, 0.05, 0.0, 1.0])
def test_sure_classes_are_those_of_a_loop(threshold):
    values = np.random.default_rng(1).integers(0, 11, (3, 8, 9)).astype(np.float32) / 10
    assert np.array_equal(above(values, threshold), loop_above(values, threshold))


@pytest.mark.parametrize("threshold", [0.3, 0.05])
def test_the_background_wins_a_tie_in_single_precision(threshold):
    value = np.float32(threshold)
    values = np.array([[[value, np.nextafter(value, np.float32(1))]]])
    assert above(values, threshold).tolist() == [[0, 1]]


def test_labels_are_those_of_a_loop():
    careful, eager = np.random.default_rng(2).integers(0, 3, (2, 20, 20))
    labels = sure_labels(careful, eager, (4, 9))
    for y, x in np.ndindex(labels.shape):
        sure, maybe = careful[y, x], eager[y, x]
        expected = (0, 4, 9)[sure] if sure else 255 if maybe else 0
        assert labels[y, x] == expected


def test_between_both_thresholds_a_pixel_is_unknown():
    values = np.array([[[0.01, 0.05, 0.06, 0.3, 0.31, 1.0]]], np.float32)
    image = np.zeros((1, 6, 3), np.uint8)
    labels = labels_of(image, ClassScores((7,), values), WITHOUT_CRF)
    assert labels.tolist() == [[0, 0, 255, 255, 7, 7]]


@pytest.mark.parametrize("crf", ["none", "irn"])
def test_an_image_without_classes_is_background(crf):
    nothing = ClassScores((), np.zeros((0, 6, 9), np.float32))
    assert (labels_of(IMAGE, nothing, Irn(crf=crf)) == 0).all()


@needs_crf
def test_an_image_of_one_colour_keeps_its_labels():
    values = np.random.default_rng(3).random((2, 6, 9), np.float32)
    grey, scores = np.full_like(IMAGE, 90), ClassScores((1, 2), values)
    assert np.array_equal(labels_of(grey, scores, Irn()), labels_of(grey, scores, WITHOUT_CRF))


def test_labels_are_made_once(tmp_path):
    asked = []

    def scores(image_id):
        asked.append(image_id)
        return ClassScores((1,), np.full((1, 24, 32), 0.5, np.float32))

    labels = LabelFiles(tmp_path, view(tmp_path, ()), scores, WITHOUT_CRF)
    for _ in range(2):
        labels.store("image_001")
    assert asked == ["image_001"]
    assert (labels("image_001") == 1).all()


# Golden numbers


@pytest.mark.golden
@pytest.mark.parametrize("picture", [0, 1])
@pytest.mark.parametrize("which", ["fg", "bg"])
def test_sure_classes_are_the_released_ones(picture, which):
    numbers = golden("irn.npz")
    threshold = {"fg": WITHOUT_CRF.sure_foreground, "bg": WITHOUT_CRF.sure_background}[which]
    actual = above(numbers[f"label{picture}_cam"], threshold)
    assert np.array_equal(actual, numbers[f"label{picture}_{which}_argmax"])


@needs_crf
@pytest.mark.golden
@pytest.mark.parametrize("picture", [0, 1])
@pytest.mark.parametrize("which", ["fg", "bg"])
def test_labels_after_the_crf_are_the_released_ones(picture, which):
    numbers = golden("irn.npz")
    before = numbers[f"label{picture}_{which}_argmax"].astype(int)
    image, channels = numbers[f"label{picture}_image"], len(numbers[f"label{picture}_keys"]) + 1
    after = sharpened(image, before, channels, Irn().parameters())
    assert (after != numbers[f"label{picture}_{which}_crf"]).mean() <= 0.005


@needs_crf
@pytest.mark.golden
@pytest.mark.parametrize("picture", [0, 1])
def test_labels_of_a_picture_are_the_released_ones(picture):
    numbers = golden("irn.npz")
    keys = tuple(int(key) + 1 for key in numbers[f"label{picture}_keys"])
    scores = ClassScores(keys, numbers[f"label{picture}_cam"])
    actual = labels_of(numbers[f"label{picture}_image"], scores, Irn())
    assert (actual != numbers[f"label{picture}_out"]).mean() <= 0.005


@pytest.mark.golden
def test_both_maps_are_combined_as_released():
    numbers = golden("irn.npz")
    careful, eager = (numbers[f"combine_{which}_crf"] for which in ("fg", "bg"))
    keys = tuple((numbers["combine_keys"] + 1).tolist())
    assert np.array_equal(sure_labels(careful, eager, keys), numbers["combine_out"])


@needs_crf
@pytest.mark.golden
def test_the_crf_of_labels_is_the_released_one():
    numbers = golden("crf.npz")
    before = numbers["irn_labels_in"]
    after = sharpened(numbers["image"], before, int(before.max()) + 1, Irn().parameters())
    assert np.array_equal(after, numbers["irn_labels_out"])
