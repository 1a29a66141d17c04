"""Counting one image: our confusion against mmsegmentation's intersect_and_union."""

import numpy as np
import torch
from scenes import scene
from timing import Result, interleave

from wsss_harness.contract.types import IGNORE
from wsss_harness.metrics.confusion import confusion as count
from wsss_harness.metrics.confusion import settle
from wsss_harness.networks.segmentors.metric import IoUMetric
from wsss_harness.stages.background_rules import Constant, to_mask

CLASSES = 20


def confusion(quick):
    size, repeats = ((30, 40), 3) if quick else ((375, 500), 101)
    truth, scores = scene(np.random.default_rng(0), size, CLASSES)
    mask = to_mask(scores, Constant(threshold=0.3), None)
    tensors = [torch.from_numpy(pixels.astype(np.int64)) for pixels in (mask, truth)]

    def ours():
        return count(truth, mask, CLASSES)

    def peer():
        return IoUMetric.intersect_and_union(*tensors, CLASSES + 1, IGNORE)

    hit, in_truth, in_mask = settle(ours())
    counts = (hit, in_truth + in_mask - hit, in_mask, in_truth)
    for count_of_ours, count_of_peer in zip(counts, peer(), strict=True):
        np.testing.assert_array_equal(count_of_ours, count_of_peer.numpy().astype(np.int64))
    note = (
        f"{size[1]}x{size[0]}, {CLASSES + 1} classes, one thread, equal counts; peer: "
        "mmseg.evaluation.IoUMetric.intersect_and_union on the int64 tensors that it is given"
    )
    return Result("confusion", *interleave(ours, peer, repeats), "s", note)
