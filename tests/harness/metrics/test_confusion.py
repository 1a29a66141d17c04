"""Confusion counts and ratios: by hand, against loops, at their ends, and golden."""

import numpy as np
import pytest
from golden_files import golden

from wsss_harness.contract.errors import DataError
from wsss_harness.metrics.confusion import confusion, iou, mean, ratio, read, settle

TRUTH = np.array([[0, 0, 1], [1, 2, 255], [2, 2, 0]], np.uint8)
MASK = np.array([[0, 1, 1], [255, 2, 1], [0, 2, 255]], np.uint8)


def noise(seed, values, size=(13, 17)):
    return np.random.default_rng(seed).choice(np.array(values, np.uint8), size)


def blocks(seed, values):
    """Masks of large areas, as real ones are."""
    return np.kron(noise(seed, values, (4, 3)), np.ones((9, 30), np.uint8))


def by_loop(truth, mask, classes):
    counts = np.zeros((classes + 1, classes + 2), np.int64)
    for t, m in zip(truth.ravel().tolist(), mask.ravel().tolist(), strict=True):
        if t != 255:
            counts[t, classes + 1 if m == 255 else m] += 1
    return counts


def test_by_hand():
    counts = confusion(TRUTH, MASK, 2)
    assert counts.dtype == np.int64
    assert counts.tolist() == [[1, 1, 0, 1], [0, 1, 0, 1], [1, 0, 2, 0]]


@pytest.mark.parametrize("make", [noise, blocks])
@pytest.mark.parametrize("classes", [1, 5, 20, 80])
def test_against_a_loop(make, classes):
    values = [*range(classes + 1), 255]
    truth, mask = make(0, values), make(1, values)
    np.testing.assert_array_equal(confusion(truth, mask, classes), by_loop(truth, mask, classes))
    part = truth[::2, 1::3], mask[::2, 1::3]
    np.testing.assert_array_equal(confusion(*part, classes), by_loop(*part, classes))


def test_inputs_stay_as_they_are():
    truth, mask = TRUTH.copy(), MASK.copy()
    confusion(truth, mask, 2)
    np.testing.assert_array_equal(truth, TRUTH)
    np.testing.assert_array_equal(mask, MASK)


@pytest.mark.parametrize("make", [noise, blocks])
def test_the_counts_of_two_halves_add_up(make):
    truth, mask = make(2, [0, 1, 2, 255]), make(3, [0, 1, 2, 255])
    halves = [confusion(truth[rows], mask[rows], 2) for rows in (slice(7), slice(7, None))]
    np.testing.assert_array_equal(sum(halves), confusion(truth, mask, 2))
    assert confusion(truth, mask, 2).sum() == (truth != 255).sum()


@pytest.mark.parametrize(("where", "value"), [("truth", 3), ("truth", 254), ("mask", 3)])
def test_other_values_are_named(where, value):
    maps = {"truth": TRUTH.copy(), "mask": MASK.copy()}
    maps[where][1, 2] = value
    with pytest.raises(DataError, match=rf"the {where} holds the value {value}; values are 0\.\.2"):
        confusion(maps["truth"], maps["mask"], 2)


def test_the_three_policies_by_hand():
    """One pixel of background and one of class 1 are 255 in the mask."""
    counts = confusion(TRUTH, MASK, 2)
    hits = [1, 1, 2]
    expected = {
        "miss": (hits, [3, 2, 3], [2, 2, 2]),
        "drop": (hits, [2, 1, 3], [2, 2, 2]),
        "background": ([2, 1, 2], [3, 2, 3], [4, 2, 2]),
    }
    for ignored, sums in expected.items():
        assert tuple(values.tolist() for values in settle(counts, ignored)) == sums


@pytest.mark.parametrize("ignored", ["miss", "drop", "background"])
def test_iou_against_a_loop(ignored):
    truth, mask = noise(4, [0, 1, 2, 4, 255]), noise(5, [0, 1, 2, 3, 255])
    values = iou(confusion(truth, mask, 5), ignored)
    valid = truth != 255
    if ignored == "drop":
        valid &= mask != 255
    if ignored == "background":
        mask = np.where(mask == 255, 0, mask)
    for c in range(6):
        both = float((valid & (truth == c) & (mask == c)).sum())
        either = float((valid & ((truth == c) | (mask == c))).sum())
        assert values[c] == (both / either) if either else np.isnan(values[c])


def test_policies_agree_where_nothing_is_ignored():
    counts = confusion(TRUTH, np.where(MASK == 255, 2, MASK).astype(np.uint8), 2)
    for ignored in ("drop", "background"):
        np.testing.assert_array_equal(iou(counts, ignored), iou(counts, "miss"))


def test_ratios_are_read_from_stacks_of_counts():
    stack = np.stack([confusion(noise(s, [0, 1, 2]), noise(s + 9, [0, 2]), 2) for s in range(3)])
    np.testing.assert_array_equal(iou(stack), [iou(counts) for counts in stack])
    np.testing.assert_array_equal(mean(iou(stack)), [mean(iou(counts)) for counts in stack])


def test_absent_classes_are_left_out_or_count_as_zero():
    counts = confusion(np.array([[0, 1]], np.uint8), np.array([[0, 1]], np.uint8), 3)
    np.testing.assert_array_equal(iou(counts), [1, 1, np.nan, np.nan])
    assert mean(iou(counts)) == 1
    assert mean(iou(counts), "zero") == 0.5


def test_a_class_that_only_the_mask_has_counts_as_zero():
    counts = confusion(np.array([[0, 0]], np.uint8), np.array([[0, 1]], np.uint8), 1)
    assert mean(iou(counts)) == 0.25


def test_nothing_counted_has_no_ratio():
    nothing = confusion(np.full((2, 2), 255, np.uint8), np.zeros((2, 2), np.uint8), 2)
    assert not nothing.any()
    assert np.isnan(iou(nothing)).all()
    assert np.isnan(ratio(np.array([3]), np.array([0]))).all()


def test_read_perfect_and_wrong_masks():
    names = ("background", "cat", "dog")
    perfect = read(confusion(TRUTH, TRUTH, 2), names)
    assert (perfect["miou"], perfect["mprecision"], perfect["mrecall"]) == (1, 1, 1)
    wrong = read(confusion(TRUTH, ((TRUTH + 1) % 3).astype(np.uint8), 2), names)
    assert (wrong["miou"], wrong["mprecision"], wrong["mrecall"]) == (0, 0, 0)
    assert wrong["iou"] == {"background": 0, "cat": 0, "dog": 0}


def test_read_by_hand():
    """Pixels of 255 in the mask are misses; what was never said has no precision."""
    scores = read(confusion(TRUTH, MASK, 3), ("background", "cat", "dog", "cow"))
    assert scores["iou"] == {"background": 1 / 4, "cat": 1 / 3, "dog": 2 / 3, "cow": None}
    assert scores["precision"] == {"background": 1 / 2, "cat": 1 / 2, "dog": 1, "cow": None}
    assert scores["recall"] == {"background": 1 / 3, "cat": 1 / 2, "dog": 2 / 3, "cow": None}
    assert scores["miou"] == pytest.approx((1 / 4 + 1 / 3 + 2 / 3) / 3, abs=1e-15)


def golden_counts():
    arrays = golden("eval_curve.npz")
    classes = len(arrays["categories"]) - 1
    images = range(int(arrays["n_images"]))
    pairs = [(arrays[f"img{i}_gt"], arrays[f"img{i}_pred"]) for i in images]
    return arrays, sum(confusion(truth, mask, classes) for truth, mask in pairs)


@pytest.mark.golden
def test_released_scores_where_255_in_a_mask_is_a_miss():
    arrays, counts = golden_counts()
    by_class = np.nan_to_num(iou(counts, "miss"))
    np.testing.assert_allclose(100 * by_class, arrays["png_class_IoU"], rtol=0, atol=1e-9)
    miou = mean(iou(counts, "miss"), "zero")
    np.testing.assert_allclose(100 * miou, arrays["png_mIoU"], rtol=0, atol=1e-9)


@pytest.mark.golden
def test_released_scores_where_255_in_a_mask_is_dropped():
    arrays, counts = golden_counts()
    np.testing.assert_array_equal(counts[:, :-1], arrays["eps_hist"])
    hit, truth, mask = settle(counts, "drop")
    for actual, name in (
        (iou(counts, "drop"), "eps_class_iou_nan"),
        (ratio(hit, truth), "eps_recall_nan"),
        (ratio(hit, mask), "eps_precision_nan"),
        (mean(iou(counts, "drop")), "eps_miou"),
    ):
        np.testing.assert_allclose(actual, arrays[name], rtol=0, atol=1e-9, err_msg=name)
