"""Figures with the uncertainty that the choice of images gives them.

mIoU is a mean of ratios of sums, so images are drawn again and the ratios are read from their sums;
a mean of the IoUs of images would be another figure.

The interval is a symmetric bootstrap-t (Hall, "The Bootstrap and Edgeworth Expansion", 1992,
section 3.6): value ± t * error. The error comes from the influence of each image (the infinitesimal
jackknife; Efron, "The Jackknife, the Bootstrap and Other Resampling Plans", 1982, chapter 6), t
from how far figures of drawn images lie from the value in units of their own errors.
docs/decisions.md has the coverage that was measured, and of which other intervals.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from wsss_harness.metrics.confusion import Counts, settle

Floats = NDArray[np.float64]
LEVEL = 0.95
DRAWS = 1000
AT_ONCE = 250  # drawings in memory
ROUNDING = 1e-12  # of sums of fractions


@dataclass(frozen=True, eq=False)
class Estimate:
    """A figure of some images: a fraction, and by how much each of the images moved it.

    ``influence``: (n,), in the order of the images. ``t``: errors from the value to the ends of its
    interval. The difference and the mean of estimates of the same images are paired by image; their
    t is the mean of the parts'.
    """

    value: float
    influence: Floats
    t: float

    @property
    def error(self) -> float:
        """The standard error that the choice of images gives."""
        return float(np.sqrt((self.influence**2).sum()))

    @property
    def reach(self) -> float:
        """From the value to either end of its interval; infinite where ``t`` is."""
        return self.t * self.error if math.isfinite(self.t) else math.inf

    def __sub__(self, other: Estimate) -> Estimate:
        influence = self.influence - other.influence
        return Estimate(self.value - other.value, influence, (self.t + other.t) / 2)


def mean_of(estimates: Sequence[Estimate]) -> Estimate:
    """The mean of the figures of several runs on the same images."""
    value = float(np.mean([estimate.value for estimate in estimates]))
    influence = np.mean([estimate.influence for estimate in estimates], axis=0)
    return Estimate(value, influence, float(np.mean([estimate.t for estimate in estimates])))


def tallies_of(confusions: Counts) -> Counts:
    """(n, C + 1, 3): hits, truth and mask pixels of each class of each image."""
    return np.stack(settle(confusions), -1)


def miou(tallies: Counts, draws: int = DRAWS, t: float | None = None) -> Estimate:
    """mIoU of (n, C + 1, 3) tallies; ``t`` is found by ``draws`` drawings of n images if not known.

    A record knows that of its own: finding it takes a thousand times as long as the rest.
    """
    hit, union = parts(tallies)
    values, influence = linearised(np.ones((1, len(hit))), hit, union)
    value = float(values[0])
    return Estimate(value, influence[0], t_of(value, hit, union, draws) if t is None else t)


def iou_of(tallies: Counts, number: int, draws: int = DRAWS) -> Estimate:
    """IoU of one class."""
    return miou(tallies[:, [number]], draws)


def parts(tallies: Counts) -> tuple[Floats, Floats]:
    """Hits and unions of each image, (n, C + 1)."""
    hit, truth, mask = np.moveaxis(tallies, -1, 0).astype(np.float64)
    return hit, truth + mask - hit


def linearised(weights: Floats, hit: Floats, union: Floats) -> tuple[Floats, Floats]:
    """mIoU of each drawing, (B,), and the influence of each image on it, (B, n).

    ``weights``, (B, n): how often each image was drawn. The influence of an image is the
    derivative of mIoU by its weight: the mean over the classes found of
    (hit - IoU * union) / (sum of union).
    """
    hits, unions = weights @ hit, weights @ union
    present = unions > 0
    scale = np.divide(1, unions, out=np.zeros_like(unions), where=present)
    scale /= np.maximum(present.sum(1, keepdims=True), 1)
    ious = np.divide(hits, unions, out=np.zeros_like(hits), where=present)
    value = (hits * scale).sum(1)
    return value, scale @ hit.T - (scale * ious) @ union.T


def t_of(value: float, hit: Floats, union: Floats, draws: int) -> float:
    """The LEVEL quantile of |mIoU of a drawing - value| / error of the drawing.

    Infinite where that many drawings say nothing of their error: there are too few images.
    """
    if len(hit) < 2:
        return math.inf
    distances = [
        _distances(value, weights, hit, union)
        for weights in np.array_split(drawings(len(hit), draws), max(1, draws // AT_ONCE))
    ]
    return float(np.quantile(np.concatenate(distances), LEVEL, method="higher"))


def _distances(value: float, weights: Floats, hit: Floats, union: Floats) -> Floats:
    figures, influence = linearised(weights, hit, union)
    errors = np.sqrt(np.einsum("bn,bn,bn->b", weights, influence, influence))
    moved = np.abs(figures - value)
    distances: Floats = np.where(moved > ROUNDING, np.inf, 0)  # as of a class that is in one image
    np.divide(moved, errors, out=distances, where=errors > ROUNDING)
    return distances


@lru_cache(maxsize=2)
def drawings(images: int, draws: int) -> Floats:
    """(draws, images): how often each image is drawn, n of n with replacement; always the same."""
    rng = np.random.Generator(np.random.PCG64([images, draws]))
    return rng.multinomial(images, np.full(images, 1 / images), draws).astype(np.float64)


def of_nothing(tallies: Counts) -> float:
    """mIoU of masks that are background everywhere, on the images of (n, C + 1, 3) tallies."""
    truth = tallies[..., 1].sum(0)
    others = np.count_nonzero(truth[1:])
    return float(truth[0] / max(truth.sum(), 1)) / (1 + others)
