"""Bounds are made of the truth, and say so."""

import numpy as np

from fake_data import FakeDataset
from wsss_harness.bounds import all_background, nearest_class, salient_true_classes
from wsss_harness.supervision import Ledger


def naive_nearest(truth):
    """For every pixel the class of the closest object pixel, by trying all of them."""
    objects = [(y, x) for y, x in np.argwhere((truth > 0) & (truth < 255))]
    nearest = np.zeros_like(truth)
    distances = np.zeros(truth.shape)
    for place in np.ndindex(truth.shape):
        away = [np.hypot(*np.subtract(place, found)) for found in objects]
        distances[place] = min(away)
        nearest[place] = truth[objects[int(np.argmin(away))]]
    return nearest, distances


def test_the_nearest_class_against_a_loop():
    truth = np.zeros((7, 9), np.uint8)
    truth[1, 1], truth[5, 7], truth[3, 3] = 1, 2, 255
    expected, _ = naive_nearest(truth)
    first = np.hypot(*np.meshgrid(np.arange(7) - 1, np.arange(9) - 1, indexing="ij"))
    second = np.hypot(*np.meshgrid(np.arange(7) - 5, np.arange(9) - 7, indexing="ij"))
    clear = first != second
    np.testing.assert_array_equal(nearest_class(truth)[clear], expected[clear])


def test_without_objects_there_is_no_class():
    assert not nearest_class(np.full((2, 3), 255, np.uint8)).any()


def test_saliency_is_painted_with_true_classes_and_the_truth_is_noted(tmp_path):
    data, ledger = FakeDataset(), Ledger(tmp_path)
    image_id = data.ids("train")[0]
    mask = salient_true_classes(data, image_id, ledger)
    truth, salient = data.truth(image_id), data.saliency(image_id) > 0.5
    np.testing.assert_array_equal(mask > 0, salient)
    inside = salient & (truth > 0) & (truth < 255)
    np.testing.assert_array_equal(mask[inside], truth[inside])
    assert ledger.read() == ("saliency", "truth")


def test_all_background_reads_nothing(tmp_path):
    data, ledger = FakeDataset(), Ledger(tmp_path)
    mask = all_background(data, data.ids("train")[0], ledger)
    assert mask.shape == (24, 32)
    assert not mask.any()
    assert ledger.read() == ()
