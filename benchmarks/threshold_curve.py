"""The curve of mIoU over 60 thresholds: one pass against scoring them one by one."""

import numpy as np
from scenes import scene
from timing import Result, interleave

from wsss_harness.contract.types import IGNORE
from wsss_harness.metrics import curve
from wsss_harness.metrics.confusion import settle

CLASSES = 20
THRESHOLDS = np.arange(60) / 100


def threshold_curve(quick):
    rng = np.random.default_rng(0)
    size, count, repeats = ((30, 40), 2, 1) if quick else ((375, 500), 4, 3)
    scenes = [scene(rng, size, CLASSES, 1 + index % 2) for index in range(count)]
    for ours, peer in zip(settle(one_pass(scenes)), one_by_one(scenes), strict=True):
        np.testing.assert_array_equal(ours, peer)
    times = interleave(lambda: one_pass(scenes), lambda: one_by_one(scenes), repeats)
    note = (
        f"{count} images of {size[1]}x{size[0]} in memory, {len(THRESHOLDS)} thresholds, one "
        "thread, equal counts; peer: the method of YudeWang/SEAM evaluation.py --curve, "
        "without reading the files, which it does for each threshold"
    )
    return Result("threshold_curve", *times, "s", note)


def one_pass(scenes):
    """Confusion counts of every threshold."""
    tables = [
        curve.entries(truth, scores, CLASSES, number, THRESHOLDS)
        for number, (truth, scores) in enumerate(scenes)
    ]
    return curve.confusions(curve.Entries(lambda: tables, CLASSES, THRESHOLDS))


def one_by_one(scenes):
    """Hits, truth and mask pixels of every threshold and class: an argmax over all classes and
    three reductions per class, for each image and threshold."""
    counts = np.array([[count(*pair, threshold) for pair in scenes] for threshold in THRESHOLDS])
    return counts.sum(1).transpose(1, 0, 2)


def count(truth, scores, threshold):
    stacked = np.zeros((CLASSES + 1, *truth.shape), np.float32)
    stacked[0] = threshold
    stacked[list(scores.classes)] = scores.values
    mask = stacked.argmax(0).astype(np.uint8)
    counted = truth < IGNORE
    hit = (mask == truth) & counted
    return np.array(
        [
            [np.sum((truth == index) & hit) for index in range(CLASSES + 1)],
            [np.sum((truth == index) & counted) for index in range(CLASSES + 1)],
            [np.sum((mask == index) & counted) for index in range(CLASSES + 1)],
        ]
    )
