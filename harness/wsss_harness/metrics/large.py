"""Precision and recall on large objects, which partial maps cover badly."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from wsss_harness.contract.types import IGNORE, Mask
from wsss_harness.metrics.confusion import Counts, mean, ratio

SHARE = 0.15  # of the image, from which on a class is large


def count(truth: Mask, mask: Mask, classes: int, context: Mapping[str, Any]) -> Counts:
    """(3, C + 1): hits, truth and mask pixels of each class that covers SHARE of its image."""
    counted = truth != IGNORE
    side = classes + 1
    true = np.bincount(truth[counted], minlength=side)
    hit = np.bincount(truth[counted & (truth == mask)], minlength=side)
    predicted = np.bincount(mask[counted], minlength=256)[:side]
    large = (true >= SHARE * truth.size) & (np.arange(side) > 0)
    return np.where(large, np.stack([hit, true, predicted]), 0).astype(np.int64)


def read(
    counts: Counts, names: tuple[str, ...], contexts: tuple[tuple[str, str], ...]
) -> dict[str, Any]:
    """Means over the classes with a large object in some image; None if there are none."""
    hit, true, predicted = counts
    large = true > 0
    values = {"precision": ratio(hit, predicted)[large], "recall": ratio(hit, true)[large]}
    return {name: float(mean(v)) if large.any() else None for name, v in values.items()}
