"""The exact curve of mIoU over all constant thresholds, from one pass over the scores.

A pixel is class k at threshold t if its largest class score is strictly greater than t. So its
class, and the number of thresholds below its score, decide its mask at every threshold at once.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from wsss_harness.contract.types import IGNORE, ClassScores, Mask
from wsss_harness.metrics.confusion import Counts, check_values, iou, mean
from wsss_harness.system.files import array_writer

THRESHOLDS = np.arange(101) / 100
BLOCK = "block"
IMAGES = 100  # in a block

Table = NDArray[np.int32]


@dataclass(frozen=True)
class Entries:
    """Sparse counts of many images.

    ``blocks()`` yields tables (n, 5) of a few images each, with a row for each combination
    (image, truth, class, thresholds below the score, pixels).
    """

    blocks: Callable[[], Iterable[Table]]
    classes: int
    thresholds: NDArray[np.float64]

    def of(self, images: Sequence[int]) -> "Entries":
        """The entries of some images, by number."""

        def blocks() -> Iterator[Table]:
            for table in self.blocks():
                yield table[np.isin(table[:, 0], images)]

        return replace(self, blocks=blocks)


def entries(
    truth: Mask,
    scores: ClassScores,
    classes: int,
    image: int = 0,
    thresholds: NDArray[np.float64] = THRESHOLDS,
) -> Table:
    """The table of one image without the pixels of truth 255; ties go to the first class.

    DataError names a class beyond C.
    """
    check_values(np.array(scores.classes, np.int64), classes, "scores")
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
    truths, predicted = np.divmod(rest, classes + 1)
    check_values(truths, classes, "truth")
    columns = [np.full_like(codes, image), truths, predicted, below, pixels[codes]]
    return np.stack(columns, 1).astype(np.int32)


def confusions(counted: Entries) -> Counts:
    """Confusion counts at every threshold, (T, C + 1, C + 2), as metrics.confusion gives them."""
    side, steps = counted.classes + 1, len(counted.thresholds)
    histogram = np.zeros((steps + 1, side, side), np.int64)
    for table in counted.blocks():
        _, truth, predicted, below, pixels = table.T
        np.add.at(histogram, (below, truth, predicted), pixels)
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


def write(
    path: Path, tables: Iterable[Table], classes: int, thresholds: NDArray[np.float64] = THRESHOLDS
) -> None:
    """Write tables of images, one by one, to an npz file that is read block by block."""
    images = iter(tables)
    blocks = iter(lambda: list(islice(images, IMAGES)), [])
    with array_writer(path) as write_array:
        write_array("classes", np.array(classes))
        write_array("thresholds", thresholds)
        for number, block in enumerate(blocks):
            write_array(f"{BLOCK}{number:06d}", np.concatenate(block))


def read(path: Path) -> Entries:
    def blocks() -> Iterator[Table]:
        with np.load(path, allow_pickle=False) as arrays:
            yield from (arrays[name] for name in arrays.files if name.startswith(BLOCK))

    with np.load(path, allow_pickle=False) as arrays:
        return Entries(blocks, int(arrays["classes"]), arrays["thresholds"])
