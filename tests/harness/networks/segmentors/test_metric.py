"""mmsegmentation's metric with counts for every image."""

import numpy as np
import pytest
import torch
from mmseg.evaluation import IoUMetric

from wsss_harness.contract.errors import DataError
from wsss_harness.metrics import confusion
from wsss_harness.networks.mmengine_globals import silent
from wsss_harness.networks.segmentors.metric import PerImageIoU, read

NAMES = ("background", "cat", "dog", "cow", "bus")


def draw(count=7, ignored=True):
    rng = np.random.default_rng(3)
    values = [0, 1, 2, 3, 255] if ignored else [0, 1, 2, 3]
    for index in range(count):
        size = rng.integers(5, 40, 2)
        truth, mask = rng.choice(values, size), rng.choice(values, size)
        yield f"image_{index}", truth.astype(np.uint8), mask.astype(np.uint8)


def samples(pairs):
    for _, truth, mask in pairs:
        data = {"gt_sem_seg": truth, "pred_sem_seg": mask}
        yield {k: {"data": torch.from_numpy(v.astype(np.int64))[None]} for k, v in data.items()}


def through(metric):
    metric.dataset_meta = {"classes": NAMES}
    metric.process({}, list(samples(draw())))
    with silent():
        return metric.evaluate(len(metric.results))


def counted(pairs):
    """The confusion of each image."""
    return {i: confusion.confusion(truth, mask, len(NAMES) - 1) for i, truth, mask in pairs}


def test_report_equals_mmsegmentation():
    ours, theirs = through(PerImageIoU()), through(IoUMetric())
    assert {k: np.float32(v) for k, v in ours.items()} == theirs  # theirs are float32
    assert set(ours) == {"aAcc", "mIoU", "mAcc"}
    assert read(counted(draw()).values(), NAMES) == dict(ours)


@pytest.mark.parametrize("seed", range(8))
def test_miou_equals_mmsegmentation_to_all_its_digits(seed):
    """255 in truth and in masks; a class that is nowhere is left out by both."""
    rng = np.random.default_rng(seed)
    values = np.array([0, 1, 2, 3, 255], np.uint8)
    truths, masks = rng.choice(values, (2, 3, 31, 17))
    np.copyto(masks, truths, where=(rng.random(truths.shape) < 0.6) & (truths != 255))
    pairs = [("", truth, mask) for truth, mask in zip(truths, masks, strict=True)]
    theirs = IoUMetric()
    theirs.dataset_meta = {"classes": NAMES}
    theirs.process({}, list(samples(pairs)))
    with silent():
        report = theirs.evaluate(len(pairs))
    counts = sum(confusion.confusion(truth, mask, len(NAMES) - 1) for _, truth, mask in pairs)
    ours = confusion.read(counts, NAMES)
    assert np.float32(np.round(100 * ours["miou"], 2)) == report["mIoU"]
    assert np.float32(np.round(100 * ours["mrecall"], 2)) == report["mAcc"]


@pytest.mark.parametrize("options", [{"iou_metrics": ["mDice"]}, {"iou_metrics": ["mFscore"]}])
def test_dice_and_fscore_equal_mmsegmentation(options):
    ours, theirs = through(PerImageIoU(**options)), through(IoUMetric(**options))
    assert {k: np.float32(v) for k, v in ours.items()} == theirs


def test_counts_of_images_add_up_to_the_report():
    counts = counted(draw())
    actual = read(counts.values(), NAMES)
    assert list(counts) == [f"image_{index}" for index in range(7)]
    for image_id, truth, mask in draw():
        naive = np.zeros((5, 6), np.int64)
        for t, m in zip(truth.flat, mask.flat, strict=True):
            if t != 255:
                naive[t, 5 if m == 255 else m] += 1
        np.testing.assert_array_equal(counts[image_id], naive)
    assert read(counts.values(), NAMES) == actual
    assert read([sum(counts.values())], NAMES) == actual


def test_sums_stay_exact_beyond_the_precision_of_float32():
    huge = np.zeros((2, 3), np.int64)
    huge[0, 0], huge[1, 1], huge[1, 0] = 2**26 + 1, 3, 3
    actual = read([huge, huge], ("background", "cat"))
    assert actual["mIoU"] == pytest.approx(75.0, abs=0.01)
    assert actual["mAcc"] == pytest.approx(75.0, abs=0.01)


def test_values_beyond_the_classes_are_errors():
    wrong = np.full((2, 2), 7, np.uint8)
    with pytest.raises(DataError, match="holds the value 7"):
        counted([("a", np.zeros_like(wrong), wrong)])
