"""Intersection over union by mmsegmentation, with the counts of each image."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import torch
from mmseg.evaluation import IoUMetric
from mmseg.registry import METRICS
from numpy.typing import NDArray

from wsss_harness.contract.types import Mask
from wsss_harness.metrics.confusion import Counts, confusion, settle
from wsss_harness.networks.mmengine_globals import silent


@METRICS.register_module()
class PerImageIoU(IoUMetric):  # type: ignore[misc]
    """IoUMetric that keeps the integer counts of every image, and sums them exactly.

    ``results`` holds an array (4, C + 1) for each image: pixels in both, in either, in the mask and
    in the truth. mmsegmentation computes the ratios from their sums.
    """

    def process(self, data_batch: Any, data_samples: Sequence[dict[str, Any]]) -> None:
        for sample in data_samples:
            truth = _pixels(sample["gt_sem_seg"])
            mask = _pixels(sample["pred_sem_seg"])
            self.add(confusion(truth, mask, len(self.dataset_meta["classes"]) - 1))

    def add(self, counts: Counts) -> None:
        """Add the confusion counts (C + 1, C + 2) of an image, from metrics.confusion."""
        hit, truth, mask = settle(counts)
        self.results.append(np.stack([hit, truth + mask - hit, mask, truth]))

    def compute_metrics(self, results: list[NDArray[np.int64]]) -> dict[str, float]:
        totals = torch.from_numpy(np.sum(results, axis=0)).double()
        ratios: dict[str, float] = super().compute_metrics([tuple(totals)])
        return ratios


def _pixels(field: Any) -> Mask:
    pixels: Mask = field["data"].squeeze().cpu().numpy().astype(np.uint8)
    return pixels


def read(counts: Iterable[Counts], names: Sequence[str]) -> dict[str, float]:
    """mmsegmentation's report (aAcc, mIoU, mAcc in per cent) on the counts of images.

    ``names`` of the classes 0..C, the background first.
    """
    with silent():
        metric = PerImageIoU()
        metric.dataset_meta = {"classes": tuple(names)}
        for image_counts in counts:
            metric.add(image_counts)
        report: dict[str, float] = metric.evaluate(len(metric.results))
    return {name: float(value) for name, value in report.items()}
