"""Confusion counts of one image, which are added, and the ratios read from their sum."""

from collections.abc import Iterable, Mapping
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from wsss_harness.contract.errors import DataError
from wsss_harness.contract.types import BACKGROUND, IGNORE, Mask, unknown_value

Counts = NDArray[np.int64]
Ratios = NDArray[np.float64]
MaskIgnored = Literal["miss", "drop", "background"]
Absent = Literal["skip", "zero"]


def confusion(
    truth: Mask, mask: Mask, classes: int, context: Mapping[str, Any] | None = None
) -> Counts:
    """Pixels by (truth, mask), shape (C + 1, C + 2); the last column holds mask pixels of 255.

    Pixels whose truth is 255 do not count. DataError names any other value beyond C.
    """
    side = classes + 1
    both = truth.astype(np.uint16)  # in place: a new array takes longer than its arithmetic
    both <<= np.uint16(8)
    both |= mask
    pairs, pixels = _tally(both.ravel())
    rows, columns = pairs >> 8, pairs & 255
    check_values(rows, classes, "truth")
    check_values(columns, classes, "mask")
    cells = np.minimum(rows, side) * (side + 1) + np.minimum(columns, side)
    table = np.bincount(cells, pixels, (side + 1) ** 2).reshape(side + 1, side + 1)
    return table[:side].astype(np.int64)


def _tally(values: NDArray[np.uint16]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Values and their numbers of pixels; a value may be listed more than once.

    Masks consist of runs, and counting runs is faster than counting pixels, except for noise.
    """
    turns = values[1:] != values[:-1]
    if 4 * np.count_nonzero(turns) > values.size:
        pixels = np.bincount(values)
        present = np.flatnonzero(pixels)
        return present, pixels[present]
    ends = np.append(np.flatnonzero(turns), values.size - 1)
    return values[ends].astype(np.int64), np.diff(ends, prepend=-1)


def check_values(values: NDArray[np.integer[Any]], classes: int, where: str) -> None:
    """DataError if a value is neither a class 0..C nor 255."""
    if (unknown := unknown_value(values, classes)) is not None:
        raise DataError(
            f"the {where} holds the value {unknown}; values are 0..{classes} or {IGNORE}"
        )


def settle(counts: Counts, ignored: MaskIgnored = "miss") -> tuple[Counts, Counts, Counts]:
    """True positives, truth pixels and mask pixels of each class, by the policy for 255 in masks.

    ``miss``: such a pixel is a false negative of its true class (YudeWang/SEAM: evaluation.py).
    ``drop``: it does not count (halbielee/EPS: evaluate_png.py). ``background``: it is background
    (jiwoon-ahn/irn: step/eval_sem_seg.py).
    """
    square = counts[..., :-1].copy()
    if ignored == "background":
        square[..., BACKGROUND] += counts[..., -1]
    truth = square.sum(-1) + (counts[..., -1] if ignored == "miss" else 0)
    return np.diagonal(square, axis1=-2, axis2=-1).copy(), truth, square.sum(-2)


def ratio(numerator: Counts, denominator: Counts) -> Ratios:
    """The quotient; NaN where the denominator is 0."""
    out = np.full(np.broadcast(numerator, denominator).shape, np.nan)
    np.divide(numerator, denominator, out=out, where=denominator != 0)
    return out


def iou(counts: Counts, ignored: MaskIgnored = "miss") -> Ratios:
    """TP / (TP + FP + FN) of the classes 0..C; NaN for a class in neither truth nor mask."""
    hit, truth, mask = settle(counts, ignored)
    return ratio(hit, truth + mask - hit)


def mean(ratios: Ratios, absent: Absent = "skip") -> Ratios:
    """The mean over classes. Absent classes are left out (EPS) or count as zero (SEAM)."""
    if absent == "zero":
        ratios = np.nan_to_num(ratios)
    defined = np.maximum((~np.isnan(ratios)).sum(-1), 1)
    return np.asarray(np.nansum(ratios, -1) / defined)


def read(
    counts: Counts, names: tuple[str, ...], contexts: tuple[tuple[str, str], ...] = ()
) -> dict[str, Any]:
    """What ``read_settled`` says of counts, of which those of 255 in masks are false negatives."""
    return read_settled(settle(counts), names)


def read_settled(settled: Iterable[Counts], names: tuple[str, ...]) -> dict[str, Any]:
    """mIoU, precision and recall as fractions, by class and as means over the defined classes."""
    hit, truth, mask = settled
    by_class = {
        "iou": ratio(hit, truth + mask - hit),
        "precision": ratio(hit, mask),
        "recall": ratio(hit, truth),
    }
    means = {f"m{name}": float(mean(values)) for name, values in by_class.items()}
    return {**means, **{key: named(values, names) for key, values in by_class.items()}}


def named(values: Ratios, names: tuple[str, ...]) -> dict[str, float | None]:
    """Ratios by name; None where undefined."""
    return {
        name: None if np.isnan(value) else float(value)
        for name, value in zip(names, values, strict=True)
    }
