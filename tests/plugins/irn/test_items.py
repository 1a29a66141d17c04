"""Training items of IRN: image and label have one geometry."""

import numpy as np
import pytest
from fake_data import view

from wsss_harness.networks.classmaps.augment import Cropping
from wsss_irn.items import crop_label, item_maker, nearest, reduced

PLAIN = Cropping(crop=48, mean=(0, 0, 0), std=(1, 1, 1), jitter=(0, 0, 0, 0))


@pytest.mark.parametrize("stride", [2, 4, 8])
def test_a_square_has_the_label_of_its_middle(stride):
    label = np.random.default_rng(0).integers(0, 256, (24, 32), np.uint8)
    for (y, x), actual in np.ndenumerate(reduced(label, stride)):
        assert actual == label[y * stride + stride // 2, x * stride + stride // 2]


def test_outside_the_image_nothing_is_labelled():
    label = np.full((3, 5), 7, np.uint8)
    cropped = crop_label(label, (slice(0, 3), slice(2, 5)), (slice(1, 5), slice(0, 4)), 8)
    assert (cropped == 7).sum() == 12
    assert (cropped[2:5, :4] == 7).all()
    assert (cropped != 7).sum() == (cropped == 255).sum()


def test_labels_are_rescaled_to_their_nearest_pixel():
    label = np.array([[1, 2], [3, 255]], np.uint8)
    assert nearest(label, (4, 2)).tolist() == [[1, 1, 2, 2], [3, 3, 255, 255]]


@pytest.mark.parametrize("factor", [0.5, 1.0, 1.5])
def test_image_and_label_have_one_geometry(factor):
    """Pixels of the image are 1 where the label is 3, up to the blur of rescaling."""
    label = np.zeros((24, 32), np.uint8)
    label[4:20, 4:18] = 3
    data = {"a": type("Sample", (), {"image": np.repeat(label[..., None], 3, 2) // 3 * 255})}
    make = item_maker(data, lambda image_id: label, (factor, factor), 1, PLAIN)
    for seed in range(6):
        item = make("a", np.random.default_rng(seed))
        inside = item["label"] != 255
        assert inside.sum() == round(24 * factor) * round(32 * factor)
        seen = item["image"][0] > 0.5
        assert (seen[inside] == (item["label"][inside] == 3)).mean() > 0.95
        assert not item["image"][:, ~inside].any()


def test_an_item_depends_on_its_random_numbers_alone(tmp_path):
    data = view(tmp_path, ())
    make = item_maker(data, lambda i: np.zeros((24, 32), np.uint8), (0.5, 1.5), 4, PLAIN)
    item, again, other = (make(data.ids[0], np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert np.array_equal(item["image"], again["image"])
    assert not np.array_equal(item["image"], other["image"])
    assert item["label"].shape == (12, 12)


def test_a_tiny_image_keeps_a_pixel():
    data = {"a": type("Sample", (), {"image": np.zeros((1, 1, 3), np.uint8)})}
    make = item_maker(data, lambda i: np.zeros((1, 1), np.uint8), (0.1, 0.1), 1, PLAIN)
    assert (make("a", np.random.default_rng(0))["label"] == 0).sum() == 1
