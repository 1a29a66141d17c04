"""Precision and recall on large objects, where a map that covers only a part of them shows."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from wsss_harness.contract.types import IGNORE, Mask
from wsss_harness.metrics.confusion import Counts, mean, ratio

SHARE = 0.15


def count(truth: Mask, mask: Mask, classes: int, context: Mapping[str, Any]) -> Counts:
    """(3, C + 1): hits, truth and mask pixels of each class that covers SHARE of its image."""
    counted = truth != IGNORE
    side = classes + 1
    whole = np.bincount(truth[counted], minlength=side)
    hit = np.bincount(truth[counted & (truth == mask)], minlength=side)
    said = np.bincount(mask[counted], minlength=256)[:side]
    large = (whole >= SHARE * truth.size) & (np.arange(side) > 0)
    return np.where(large, np.stack([hit, whole, said]), 0).astype(np.int64)


def read(
    counts: Counts, names: tuple[str, ...], contexts: tuple[tuple[str, str], ...]
) -> dict[str, Any]:
    """Means over the classes that are somewhere large; None where none is."""
    hit, whole, said = counts
    found = whole > 0
    values = {"precision": ratio(hit, said)[found], "recall": ratio(hit, whole)[found]}
    return {name: float(mean(v)) if found.any() else None for name, v in values.items()}
