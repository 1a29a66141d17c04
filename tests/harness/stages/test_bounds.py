"""Bounds are made of the truth, and say so."""

import numpy as np
import pytest
from fake_data import FakeDataset

from wsss_harness.contract.supervision import Ledger
from wsss_harness.stages.bounds import (
    all_background,
    at_stride,
    coverage,
    largest_everywhere,
    nearest_class,
    perfect_seed,
    salient_true_classes,
)


def naive_nearest(truth):
    """For every pixel the class of the closest object pixel, by trying all of them."""
    objects = [(y, x) for y, x in np.argwhere((truth > 0) & (truth < 255))]
    nearest = np.zeros_like(truth)
    distances = np.zeros(truth.shape)
    for place in np.ndindex(truth.shape):
        away = [np.hypot(*np.subtract(place, spot)) for spot in objects]
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


def test_the_largest_class_is_painted_everywhere(tmp_path):
    data, ledger = FakeDataset(), Ledger(tmp_path)
    image_id = data.ids("train")[0]  # has both classes
    truth = data.truth(image_id)
    mask = largest_everywhere(data, image_id, ledger)
    assert mask.shape == truth.shape
    assert np.unique(mask) == 1 + ((truth == 2).sum() > (truth == 1).sum())
    assert ledger.read() == ("image_labels", "truth")


def test_without_image_labels_everything_is_background(tmp_path, monkeypatch):
    data = FakeDataset()
    monkeypatch.setattr(data, "present", lambda image_id: ())
    assert not largest_everywhere(data, data.ids("train")[0], Ledger(tmp_path)).any()


def naive_coverage(truth, value, stride):
    """Shares by square, then the weighted mean of the four squares around each pixel."""
    height, width = truth.shape
    grid = np.zeros((-(-height // stride), -(-width // stride)))
    for row, column in np.ndindex(grid.shape):
        square = truth[row * stride :, column * stride :][:stride, :stride]
        counted = [pixel for pixel in square.ravel() if pixel != 255]
        empty = value == 0 and not counted
        grid[row, column] = 1 if empty else sum(p == value for p in counted) / max(1, len(counted))
    cover = np.zeros(truth.shape)
    for y, x in np.ndindex(truth.shape):
        for row, column in np.ndindex(grid.shape):
            down, right = ((n + 0.5) / stride - 0.5 for n in (y, x))
            down, right = (np.clip((down, right), 0, np.array(grid.shape) - 1)).tolist()
            weight = max(0, 1 - abs(down - row)) * max(0, 1 - abs(right - column))
            cover[y, x] += weight * grid[row, column]
    return cover


@pytest.mark.parametrize("size", [(8, 12), (7, 9), (3, 5)])
def test_coverage_is_that_of_a_loop(size):
    rng = np.random.default_rng(0)
    truth = rng.choice(np.array([0, 1, 3, 255], np.uint8), size)
    truth[:4, :4] = 255
    values, cover = coverage(truth, 4)
    assert values[0] == 0
    assert set(values) == {0, *np.unique(truth)} - {255}
    for value, share in zip(values, cover, strict=True):
        np.testing.assert_allclose(share, naive_coverage(truth, value, 4), atol=1e-6)


def test_shares_of_all_classes_are_one_in_sum():
    truth = np.random.default_rng(1).choice(np.array([1, 2, 255], np.uint8), (21, 30))
    np.testing.assert_allclose(coverage(truth, 8)[1].sum(0), 1, atol=1e-6)


def test_at_a_stride_of_one_nothing_of_the_truth_is_lost(tmp_path):
    data, ledger = FakeDataset(), Ledger(tmp_path)
    image_id = data.ids("train")[0]
    truth = data.truth(image_id)
    np.testing.assert_array_equal(at_stride(1, data, image_id, ledger), truth)
    assert 0 < (at_stride(8, data, image_id, ledger) != truth).mean() < 0.3
    assert ledger.read() == ("truth",)


def test_a_perfect_seed_scores_the_true_classes(tmp_path):
    data = FakeDataset()
    image_id = data.ids("train")[0]
    scores = perfect_seed(4, data, image_id, Ledger(tmp_path))
    assert scores.classes == data.present(image_id)
    scores.validate(image_id, "a perfect seed")
    assert scores.size == data.truth(image_id).shape
