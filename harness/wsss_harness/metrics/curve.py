"""The exact curve of mIoU over all constant thresholds, from one pass over the scores.

A pixel is class k at threshold t if its largest class score is strictly greater than t. So its
class, and the number of thresholds below its score, decide its mask at every threshold at once.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from wsss_harness.files import atomic
from wsss_harness.metrics.confusion import Counts, iou, mean
from wsss_harness.types import IGNORE, ClassScores, Mask

THRESHOLDS = np.arange(101) / 100


@dataclass(frozen=True)
class Entries:
    """Sparse counts of one or many images: ``table`` is (n, 5) int64, a row for each combination
    (image, truth, class, thresholds below the score, pixels)."""

    table: NDArray[np.int64]
    classes: int
    thresholds: NDArray[np.float64]

    def of(self, images: Sequence[int]) -> "Entries":
        """The entries of some images, by number."""
        return Entries(self.table[np.isin(self.table[:, 0], images)], self.classes, self.thresholds)


def entries(
    truth: Mask,
    scores: ClassScores,
    classes: int,
    image: int = 0,
    thresholds: NDArray[np.float64] = THRESHOLDS,
) -> NDArray[np.int64]:
    """The table of one image without the pixels of truth 255; ties go to the first class."""
    if not scores.classes:
        values, best = np.zeros(scores.size, np.float32), np.zeros(scores.size, np.int64)
    else:
        values = scores.values.max(0)
        best = np.array(scores.classes)[scores.values.argmax(0)]
    edges = thresholds.astype(np.float32)
    below = np.searchsorted(edges, values, side="left")
    counted = truth != IGNORE
    bins = len(edges) + 1
    code = (truth[counted].astype(np.int64) * (classes + 1) + best[counted]) * bins + below[counted]
    pixels = np.bincount(code)
    codes = np.flatnonzero(pixels)
    rest, below = np.divmod(codes, bins)
    truths, found = np.divmod(rest, classes + 1)
    return np.stack([np.full_like(codes, image), truths, found, below, pixels[codes]], 1)


def confusions(counted: Entries) -> Counts:
    """Confusion counts at every threshold, (T, C + 1, C + 2), as metrics.confusion gives them."""
    side, steps = counted.classes + 1, len(counted.thresholds)
    _, truth, found, below, pixels = counted.table.T
    histogram = np.zeros((steps + 1, side, side), np.int64)
    np.add.at(histogram, (below, truth, found), pixels)
    # At threshold number i the pixels with more than i thresholds below them keep their class.
    kept = histogram[::-1].cumsum(0)[::-1][1:]
    result = np.zeros((steps, side, side + 1), np.int64)
    result[:, :, :side] = kept
    result[:, :, 0] += histogram.sum((0, 2)) - kept.sum(2)
    return result


def miou(counted: Entries) -> NDArray[np.float64]:
    """mIoU at every threshold, as a fraction; classes in neither truth nor mask are left out."""
    return mean(iou(confusions(counted)))


def best(counted: Entries) -> float:
    """The threshold with the highest mIoU; the lowest one among equals."""
    return float(counted.thresholds[int(miou(counted).argmax())])


def write(path: Path, counted: Entries) -> None:
    with atomic(path) as temporary, temporary.open("wb") as file:
        np.savez_compressed(
            file,
            table=counted.table.astype(np.int32),
            classes=counted.classes,
            thresholds=counted.thresholds,
        )


def read(path: Path) -> Entries:
    with np.load(path, allow_pickle=False) as arrays:
        table, thresholds = arrays["table"].astype(np.int64), arrays["thresholds"]
        return Entries(table, int(arrays["classes"]), thresholds)
