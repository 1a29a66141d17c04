"""Variances of means over seeds, and of their differences: from images and from seeds.

The estimate is the mean over seeds and over images like these. Its variance is the sum of

- the variance from the choice of images: the influences of the images on the mean of the runs,
  scaled by its bootstrap-t (see ``estimates``); and
- the variance from the seeds, s^2 / n for n runs. A few runs hardly determine s^2, so all methods
  share one: the variance of the runs about the mean of their method, pooled (analysis of variance).
  A single run borrows it. If no method has several runs, seeds are left out.

A difference is paired by image. If methods have the same seeds it is paired by seed too, since rows
share stages: then the mean of each seed is subtracted as well before pooling (randomised blocks;
both in Snedecor and Cochran, "Statistical Methods", 1980). The sum counts twice what moves with
image and seed together, so it errs on the safe side (Owen, "The pigeonhole bootstrap", Annals of
Applied Statistics 2007). Its degrees of freedom follow Satterthwaite ("An approximate distribution
of estimates of variance components", Biometrics Bulletin 1946).

Pairs are tested by Holm's procedure (Scandinavian Journal of Statistics, 1979), so with 95 %
certainty no difference that is called significant is wrong."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri, stdtr, stdtrit

from wsss_leaderboard.statistics.estimates import LEVEL, Estimate, Floats

NORMAL = float(ndtri((1 + LEVEL) / 2))
RunsBySeed = Mapping[int, float]  # the values of one method


@dataclass(frozen=True, eq=False)
class Variances:
    """Variances from images and from seeds, of n means or of all their differences."""

    images: Floats
    seeds: Floats
    df: Floats  # degrees of freedom of ``seeds``

    @property
    def errors(self) -> Floats:
        return np.sqrt(self.images + self.seeds)

    @property
    def freedom(self) -> Floats:
        """Degrees of freedom of the sum; the variance from images counts as known."""
        ratio = np.full(self.seeds.shape, np.inf)
        np.divide(self.images + self.seeds, self.seeds, out=ratio, where=self.seeds > 0)
        freedom: Floats = self.df * ratio**2
        return freedom

    @property
    def reaches(self) -> Floats:
        """From each value to the ends of its 95 % interval."""
        reaches: Floats = stdtrit(self.freedom, (1 + LEVEL) / 2) * self.errors
        return reaches


@dataclass(frozen=True)
class Spread:
    """A pooled variance over seeds, with its degrees of freedom."""

    variance: float = 0.0
    df: float = math.inf


@dataclass(frozen=True, eq=False)
class Means:
    """Means over seeds as arrays: values (n,), influences (n, images), t (n,), runs in each (n,).

    ``same_seeds``: (n, n), whether two have the same seeds, and several; ``within``: the variance
    of runs about their mean, None if no mean has several runs; ``blocked``: the variance about the
    means of seeds too, of those with the same seeds.
    """

    values: Floats
    influences: Floats
    t: Floats
    number: NDArray[np.int64]
    same_seeds: NDArray[np.bool_]
    within: Spread | None
    blocked: Spread

    @classmethod
    def of(cls, estimates: Sequence[Estimate], runs: Sequence[RunsBySeed]) -> "Means":
        numbers: dict[frozenset[int], int] = {}
        seeds = np.array([numbers.setdefault(frozenset(r), len(numbers)) for r in runs])
        several = np.array([len(values) > 1 for values in runs])
        return cls(
            np.array([estimate.value for estimate in estimates]),
            np.stack([estimate.influence for estimate in estimates]),
            np.array([estimate.t for estimate in estimates]),
            np.array([len(values) for values in runs]),
            np.equal.outer(seeds, seeds) & several,
            variance_within(runs),
            variance_in_blocks(runs),
        )

    def variances(self) -> Variances:
        """Of the means."""
        images = (self.influences**2).sum(1) * (self.t / NORMAL) ** 2
        spread = self.within or Spread()
        return Variances(images, spread.variance / self.number, np.full(len(images), spread.df))

    def differences(self) -> Variances:
        """Of all differences, (n, n)."""
        products = self.influences @ self.influences.T
        squares = np.diagonal(products)
        images = np.maximum(np.add.outer(squares, squares) - 2 * products, 0)
        images *= (np.add.outer(self.t, self.t) / 2 / NORMAL) ** 2
        spread = self.within or Spread()
        unpaired = spread.variance * np.add.outer(1 / self.number, 1 / self.number)
        paired = 2 * self.blocked.variance / self.number
        seeds = np.where(self.same_seeds, paired, unpaired)
        return Variances(images, seeds, np.where(self.same_seeds, self.blocked.df, spread.df))


def variance_within(runs: Sequence[RunsBySeed]) -> Spread | None:
    """The variance of runs about the mean of their method; None if no method has several."""
    squares = sum(len(values) * float(np.var(list(values.values()))) for values in runs)
    df = sum(len(values) - 1 for values in runs)
    return Spread(squares / df, df) if df else None


def variance_in_blocks(runs: Sequence[RunsBySeed]) -> Spread:
    """The variance of runs about the means of their method and of their seed.

    Pooled over sets of methods that have the same seeds.
    """
    blocks: dict[tuple[int, ...], list[list[float]]] = {}
    for values in runs:
        seeds = tuple(sorted(values))
        blocks.setdefault(seeds, []).append([values[seed] for seed in seeds])
    squares, df = 0.0, 0
    for block in blocks.values():
        table = np.array(block)
        residuals = table - table.mean(0) - table.mean(1, keepdims=True) + table.mean()
        squares += float((residuals**2).sum())
        df += (table.shape[0] - 1) * (table.shape[1] - 1)
    return Spread(squares / df, df) if df else Spread()


def variance_components(table: Floats) -> Sequence[float]:
    """The variance of each axis of a table of all combinations, then of the rest.

    Estimates may be below 0.
    """
    degrees = [size - 1 for size in table.shape]
    squares = []
    for axis, size in enumerate(table.shape):
        others = tuple(other for other in range(table.ndim) if other != axis)
        means = table.mean(others)
        squares.append(table.size / size * float(((means - table.mean()) ** 2).sum()))
    rest_degrees = table.size - 1 - sum(degrees)
    rest = (float(((table - table.mean()) ** 2).sum()) - sum(squares)) / rest_degrees
    components = [
        (square / degree - rest) / (table.size / size)
        for square, degree, size in zip(squares, degrees, table.shape, strict=True)
    ]
    return [*components, rest]


def significant(means: Means) -> NDArray[np.bool_]:
    """(n, n): whether the row is significantly better than the column, all pairs together."""
    gaps = np.subtract.outer(means.values, means.values)
    variances = means.differences()
    errors = variances.errors
    sizes = np.divide(np.abs(gaps), errors, out=np.where(gaps == 0, 0, np.inf), where=errors > 0)
    upper = np.triu_indices(len(gaps), 1)
    p_values = 2 * stdtr(variances.freedom[upper], -sizes[upper])
    differ = np.zeros(gaps.shape, bool)
    differ[upper] = holm(p_values)
    return (differ | differ.T) & (gaps > 0)


def holm(p_values: Floats, level: float = 1 - LEVEL) -> NDArray[np.bool_]:
    """Which p-values are significant together.

    Each is compared with level / the number of those not smaller, the smallest first; none is
    significant after the first that fails.
    """
    order = np.argsort(p_values, kind="stable")
    passed = p_values[order] <= level / np.arange(len(p_values), 0, -1)
    significant = np.zeros(len(p_values), bool)
    significant[order] = np.logical_and.accumulate(passed)
    return significant


def tie_groups(values: Floats, better: NDArray[np.bool_]) -> dict[int, int]:
    """The tie group of each value, 1 being the top; ``better``: what ``significant`` returns.

    A group begins with the best value that is in none yet, and takes in all others that are not
    significantly worse than it.
    """
    ungrouped = [int(place) for place in np.argsort(-values, kind="stable")]
    groups: dict[int, int] = {}
    group = 0
    while ungrouped:
        group += 1
        best = ungrouped[0]
        groups |= {place: group for place in ungrouped if not better[best, place]}
        ungrouped = [place for place in ungrouped if place not in groups]
    return groups
