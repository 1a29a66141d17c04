"""The seed rule of ICD: cases by hand and golden numbers, with the CRF and saliency after it."""

import cv2
import numpy as np
import pytest
from golden_files import golden

from wsss_affinity.backgrounds import Background
from wsss_affinity.crf import Crf
from wsss_harness.contract.run import Run
from wsss_harness.contract.types import IGNORE, Sample
from wsss_harness.datasets.voc12.labels import CLASSES, from_annotation
from wsss_harness.networks.crf import PARAMETERS
from wsss_harness.stages.background_rules import Explicit, ExplicitSaliency, to_mask
from wsss_icd.seeds import seed_scores

OPEN = Explicit(undefined=0.1)


def seeds(logits, cam=None, classes=None):
    """The mask of a 1 x n image as a list."""
    logits = np.asarray(logits, np.float32)[:, None]
    cam = np.ones_like(logits) if cam is None else np.asarray(cam, np.float32)[:, None]
    classes = classes or tuple(range(3, 3 + len(logits)))
    scores = seed_scores(classes, logits, cam)
    scores.validate("image", "seeds")
    return to_mask(scores, OPEN, None)[0].tolist()


def test_the_sign_of_the_logits_decides_and_zero_is_open():
    assert seeds([[2.0, 1e-4, 0.0, -1e-4, -3.0]]) == [3, 3, 255, 0, 0]


def test_the_background_needs_all_classes_and_an_object_one():
    logits = [[-1.0, -1.0, 1.0, 0.0], [-1.0, 0.0, -1.0, 1.0]]
    cam = [[1.0, 1.0, 1.0, 0.0], [1.0, 1.0, 1.0, 1.0]]
    assert seeds(logits, cam) == [0, 255, 3, 4]


def test_several_claims_go_to_the_class_with_more_of_both_maps():
    logits = [[1.0, 0.5, 1.0, 1.0], [1.0, 1.0, 1.0, -1.0]]
    cam = [[0.2, 0.6, 0.5, 0.0], [0.6, 0.2, 0.5, 0.0]]
    assert seeds(logits, cam) == [4, 3, 255, 255]  # 0.3 against 0.2; equal; no class map


def test_without_class_maps_a_single_class_keeps_its_pixels():
    assert seeds([[1.0, -1.0]], [[0.0, 0.0]]) == [3, 0]


def test_an_image_without_classes_is_background():
    empty = np.zeros((0, 2, 3), np.float32)
    scores = seed_scores((), empty, empty)
    assert (scores.background == 1).all()
    assert not to_mask(scores, OPEN, None).any()


# Golden numbers


def cases():
    names = golden("icd2.npz")["seed_case_names"].tolist()
    return [pytest.param(number, id=name) for number, name in enumerate(names)]


def case(number):
    file = golden("icd2.npz")
    prefix = f"seed{number}_"
    return {n.removeprefix(prefix): v for n, v in file.items() if n.startswith(prefix)}


def at_size(maps, file):
    side = int(golden("icd2.npz")["seed_infer_size"])
    height, width = file["size"].tolist()
    large = [cv2.resize(m, (side, side), interpolation=cv2.INTER_LINEAR) for m in maps]
    return np.stack(large)[:, :height, :width]


def scores_of(file):
    classes = tuple((file["classes"] + 1).tolist())
    return seed_scores(classes, at_size(file["icd"], file), at_size(file["cam"], file))


def sample_of(file):
    parts = {"saliency": lambda: file["sal"] / np.float32(255), "image": lambda: file["image"]}
    return Sample("image", lambda part: parts[part]())


@pytest.mark.golden
@pytest.mark.parametrize("number", cases())
def test_golden_seeds(number):
    file = case(number)
    rule = ExplicitSaliency() if "sal" in file else OPEN
    mask = to_mask(scores_of(file), rule, sample_of(file))
    assert np.array_equal(mask, file["seed"])


def annotation(objects):
    rows = (
        f"<object><name>{CLASSES[c]}</name><difficult>{difficult}</difficult></object>"
        for c, difficult in objects
    )
    return f"<annotation>{''.join(rows)}</annotation>".encode()


@pytest.mark.golden
@pytest.mark.parametrize("number", cases())
def test_golden_classes_of_annotations(number):
    file = case(number)
    names = from_annotation(annotation(file["objects"].tolist()), "image.xml", difficult=False)
    assert [CLASSES.index(name) for name in names] == file["classes"].tolist()


class Voc:
    classes = CLASSES


def crf_of(file, folder, **options):
    """Marginals (21, H, W) from the seeds, through the refiner."""
    pytest.importorskip("pydensecrf", reason="it needs a compiler to install")
    refiner = Crf("icd", background=Background(kind="explicit"), labels="all", **options)
    refiner.fit(Voc(), None, Run(folder))
    return refiner.load(folder, "cpu")(sample_of(file), scores_of(file))


def stacked(scores):
    return np.concatenate([scores.background[None], scores.values])


@pytest.mark.golden
@pytest.mark.parametrize("number", cases())
def test_golden_crf_of_all_labels(number, tmp_path):
    file = case(number)
    if "crf" not in file:
        assert "sal" in file  # seeds of saliency are final
        return
    after = crf_of(file, tmp_path)
    assert (to_mask(after, OPEN, None) != file["crf"]).mean() <= 0.001
    if "crf_prob_sub2" in file:
        marginals = stacked(after)[[0, *(file["classes"] + 1)], ::2, ::2]
        np.testing.assert_allclose(marginals, file["crf_prob_sub2"], atol=1e-5)


@pytest.mark.golden
@pytest.mark.parametrize("number", cases())
def test_golden_start_of_the_crf(number, tmp_path):
    file = case(number)
    if "crf" not in file:
        return
    energies = -np.log(stacked(crf_of(file, tmp_path, iterations=0)))
    is_open = file["seed"] == IGNORE
    for pixels, expected in (
        (energies[:, ~is_open], file["unary_values_defined"]),
        (energies[:, is_open], file["unary_values_undefined"]),
    ):
        values = np.unique(pixels)
        assert bool(values.size) == bool(expected.size)
        distances = np.abs(values[:, None] - expected)
        assert not values.size or max(distances.min(0).max(), distances.min(1).max()) < 1e-5


@pytest.mark.golden
def test_golden_parameters_of_the_crf():
    file, ours = golden("icd2.npz"), PARAMETERS["icd"]
    names = {
        "gauss_sxy": ours.gaussian_sxy,
        "gauss_compat": ours.gaussian_weight,
        "bilateral_sxy": ours.bilateral_sxy,
        "bilateral_srgb": ours.bilateral_srgb,
        "bilateral_compat": ours.bilateral_weight,
        "iterations": ours.iterations,
    }
    assert names == dict(zip(file["crf_arg_names"].tolist(), file["crf_args"], strict=True))
