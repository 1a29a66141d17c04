"""mIoU with its uncertainty from the choice of images.

mIoU is a mean of ratios of sums, so images are resampled and the ratios computed from their sums; a
mean of the IoUs of images would be a different quantity.

The interval is a symmetric bootstrap-t (Hall, "The Bootstrap and Edgeworth Expansion", 1992,
section 3.6): value ± t * error. The error comes from the influence of each image (the infinitesimal
jackknife; Efron, "The Jackknife, the Bootstrap and Other Resampling Plans", 1982, chapter 6), t
from the distances of resampled values from the value, each in units of its own error.
docs/decisions.md has the measured coverage, also of other intervals.
"""

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
AT_ONCE = 250  # resamples in memory
ROUNDING = 1e-12  # of sums of fractions


@dataclass(frozen=True, eq=False)
class Estimate:
    """A value of n images, a fraction, with the influence of each image on it, (n,).

    ``deletions``, (n,): what the value loses without each image. ``t``: the half-width of the
    interval in standard errors; of a mean, the mean of the estimates' t. ``runs``: what it is the
    mean of.
    """

    value: float
    influence: Floats
    deletions: Floats
    t: float
    runs: tuple["Estimate", ...] = ()

    @property
    def error(self) -> float:
        """The standard error from the choice of images."""
        return float(np.sqrt((self.influence**2).sum()))

    @property
    def reach(self) -> float:
        """The half-width of the interval; infinite if ``t`` is."""
        return self.t * self.error if math.isfinite(self.t) else math.inf


def mean_of(estimates: Sequence[Estimate]) -> Estimate:
    """The mean of the values of several runs on the same images."""
    value = float(np.mean([estimate.value for estimate in estimates]))
    influence = np.mean([estimate.influence for estimate in estimates], axis=0)
    deletions = np.mean([estimate.deletions for estimate in estimates], axis=0)
    t = float(np.mean([estimate.t for estimate in estimates]))
    return Estimate(value, influence, deletions, t, tuple(estimates))


def tallies_of(confusions: Counts) -> Counts:
    """(n, C + 1, 3): hits, truth and mask pixels of each class of each image."""
    return np.stack(settle(confusions), -1)


def miou(tallies: Counts, draws: int = DRAWS, t: float | None = None) -> Estimate:
    """mIoU of (n, C + 1, 3) tallies; ``t`` is computed from ``draws`` resamples unless it is given.

    Records store their t, since computing it takes a thousand times as long as the rest.
    """
    hit, union = hits_and_unions(tallies)
    values, influence = linearised(np.ones((1, len(hit))), hit, union)
    value = float(values[0])
    t = bootstrap_t(value, hit, union, draws) if t is None else t
    return Estimate(value, influence[0], value - without_each(hit, union), t)


def iou_of(tallies: Counts, number: int) -> Estimate | None:
    """IoU of one class, without t; None if fewer than two images have the class."""
    estimate = miou(tallies[:, [number]], t=math.inf)
    return estimate if np.count_nonzero(tallies[:, number, 1:].any(1)) > 1 else None


def hits_and_unions(tallies: Counts) -> tuple[Floats, Floats]:
    """Hits and unions of each image, (n, C + 1)."""
    hit, truth, mask = np.moveaxis(tallies, -1, 0).astype(np.float64)
    return hit, truth + mask - hit


def linearised(weights: Floats, hit: Floats, union: Floats) -> tuple[Floats, Floats]:
    """mIoU of each resample, (B,), and the influence of each image on it, (B, n).

    ``weights``, (B, n): how often each image was drawn. The influence of an image is the
    derivative of mIoU by its weight: the mean over the classes present of
    (hit - IoU * union) / (sum of union).
    """
    hits, unions = weights @ hit, weights @ union
    present = unions > 0
    scale = np.divide(1, unions, out=np.zeros_like(unions), where=present)
    scale /= np.maximum(present.sum(1, keepdims=True), 1)
    ious = np.divide(hits, unions, out=np.zeros_like(hits), where=present)
    value = (hits * scale).sum(1)
    return value, scale @ hit.T - (scale * ious) @ union.T


def without_each(hit: Floats, union: Floats) -> Floats:
    """mIoU of all images but one, (n,); a class that only the one has is absent then."""
    hits, unions = hit.sum(0) - hit, union.sum(0) - union
    present = unions > 0
    ious = np.divide(hits, unions, out=np.zeros_like(hits), where=present)
    return np.asarray(ious.sum(1) / np.maximum(present.sum(1), 1))


def bootstrap_t(value: float, hit: Floats, union: Floats, draws: int) -> float:
    """The LEVEL quantile of |mIoU of a resample - value| / error of the resample.

    Infinite if too many resamples have no error, which means that there are too few images.
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
    distances: Floats = np.where(moved > ROUNDING, np.inf, 0)  # inf: as for a class in one image
    np.divide(moved, errors, out=distances, where=errors > ROUNDING)
    return distances


@lru_cache(maxsize=2)
def drawings(images: int, draws: int) -> Floats:
    """(draws, images): how often each image is drawn, n of n with replacement; always the same."""
    rng = np.random.Generator(np.random.PCG64([images, draws]))
    return rng.multinomial(images, np.full(images, 1 / images), draws).astype(np.float64)


def miou_of_background(tallies: Counts) -> float:
    """mIoU of masks that are background everywhere, on the images of (n, C + 1, 3) tallies."""
    truth = tallies[..., 1].sum(0)
    others = np.count_nonzero(truth[1:])
    return float(truth[0] / max(truth.sum(), 1)) / (1 + others)
