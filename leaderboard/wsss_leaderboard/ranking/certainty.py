"""How sure means over seeds and their differences are: the variances of images and of seeds.

What is estimated is the mean over seeds and over images like these. Its variance is the sum of

- that of the choice of images, by the influences of the images on the mean of the runs, scaled as
  its bootstrap-t asks (see ``estimates``); and
- that of the seeds, s^2 / n for n runs. Few runs hardly tell s^2, so all methods have one: what is
  left of the runs without the mean of their method, pooled (analysis of variance). A single run
  borrows it. Without any method of several runs the seeds are left out.

A difference is paired by image. Of methods with the same seeds it is paired by these too, since
rows share stages: then what is pooled is left without the mean of each seed as well (randomised
blocks; both in Snedecor and Cochran, "Statistical Methods", 1980). The sum counts what moves with
image and seed together twice, so it errs on the safe side (Owen, "The pigeonhole bootstrap", Annals
of Applied Statistics 2007). Its degrees of freedom are those of Satterthwaite ("An approximate
distribution of estimates of variance components", Biometrics Bulletin 1946).
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri, stdtrit

from wsss_harness.contract.errors import DataError
from wsss_leaderboard.ranking.entries import Entry
from wsss_leaderboard.statistics.estimates import LEVEL, Floats

NORMAL = float(ndtri((1 + LEVEL) / 2))


@dataclass(frozen=True, eq=False)
class Variances:
    """Of n figures or of all their differences: that of the images, and that of the seeds."""

    images: Floats
    seeds: Floats
    df: Floats  # degrees of freedom of ``seeds``

    @property
    def errors(self) -> Floats:
        return np.sqrt(self.images + self.seeds)

    @property
    def freedom(self) -> Floats:
        """Of the sum: that of the images is taken for known."""
        times = np.full(self.seeds.shape, np.inf)
        np.divide(self.images + self.seeds, self.seeds, out=times, where=self.seeds > 0)
        found: Floats = self.df * times**2
        return found

    @property
    def reaches(self) -> Floats:
        """From each figure to the ends of its 95 % interval."""
        found: Floats = stdtrit(self.freedom, (1 + LEVEL) / 2) * self.errors
        return found


@dataclass(frozen=True)
class Spread:
    """A variance over seeds, pooled over entries, with its degrees of freedom."""

    variance: float = 0.0
    df: float = math.inf


@dataclass(frozen=True, eq=False)
class Runs:
    """Entries as arrays: means (n,), influences (n, images), t (n,) and numbers of runs (n,).

    ``alike``: (n, n), which have the same seeds, several; ``within``: the spread of the runs of an
    entry, None if none has several; ``blocked``: without the means of seeds, of entries alike.
    """

    values: Floats
    influences: Floats
    t: Floats
    number: NDArray[np.int64]
    alike: NDArray[np.bool_]
    within: Spread | None
    blocked: Spread

    @classmethod
    def of(cls, entries: Sequence[Entry]) -> "Runs":
        found = [entry.estimate for entry in entries if entry.estimate]
        each = [independent(entry) for entry in entries]
        kinds: dict[frozenset[int], int] = {}
        same = np.array([kinds.setdefault(frozenset(runs), len(kinds)) for runs in each])
        return cls(
            np.array([one.value for one in found]),
            np.stack([one.influence for one in found]),
            np.array([one.t for one in found]),
            np.array([len(runs) for runs in each]),
            np.equal.outer(same, same) & (np.array([len(runs) for runs in each]) > 1),
            within(each),
            blocked(each),
        )

    def variances(self) -> Variances:
        """Of the means."""
        images = (self.influences**2).sum(1) * (self.t / NORMAL) ** 2
        spread = self.within or Spread()
        return Variances(images, spread.variance / self.number, np.full(len(images), spread.df))

    def differences(self) -> Variances:
        """Of all differences, (n, n)."""
        products = self.influences @ self.influences.T
        own = np.diagonal(products)
        images = np.maximum(np.add.outer(own, own) - 2 * products, 0)
        images *= (np.add.outer(self.t, self.t) / 2 / NORMAL) ** 2
        spread = self.within or Spread()
        apart = spread.variance * np.add.outer(1 / self.number, 1 / self.number)
        paired = 2 * self.blocked.variance / self.number
        seeds = np.where(self.alike, paired, apart)
        return Variances(images, seeds, np.where(self.alike, self.blocked.df, spread.df))


def within(each: Sequence[Mapping[int, float]]) -> Spread | None:
    """The variance of runs about the mean of their entry; None if no entry has several."""
    squares = sum(len(runs) * float(np.var(list(runs.values()))) for runs in each)
    df = sum(len(runs) - 1 for runs in each)
    return Spread(squares / df, df) if df else None


def blocked(each: Sequence[Mapping[int, float]]) -> Spread:
    """The variance of runs about the means of their entry and of their seed.

    Pooled over sets of entries that have the same seeds.
    """
    groups: dict[tuple[int, ...], list[list[float]]] = {}
    for runs in each:
        seeds = tuple(sorted(runs))
        groups.setdefault(seeds, []).append([runs[seed] for seed in seeds])
    squares, df = 0.0, 0
    for values in groups.values():
        table = np.array(values)
        left = table - table.mean(0) - table.mean(1, keepdims=True) + table.mean()
        squares += float((left**2).sum())
        df += (table.shape[0] - 1) * (table.shape[1] - 1)
    return Spread(squares / df, df) if df else Spread()


def independent(entry: Entry) -> dict[int, float]:
    """mIoU by seed; the mean of segmentors that learnt from the same masks, if there are several.

    Seeds of a segmentor alone vary on one set of masks: then each is a run.
    """
    masks: dict[object, list[tuple[int, float]]] = {}
    for record, value in zip(entry.records, entry.values, strict=True):
        masks.setdefault(record.maker() or record.seed, []).append((record.seed, value))
    if len(masks) == 1:
        return dict(*masks.values())
    return {runs[0][0]: float(np.mean([value for _, value in runs])) for runs in masks.values()}


def check_images(entries: Sequence[Entry]) -> None:
    """Raise DataError, naming two records, if their counts are of different images."""
    runs = [entry.runs[0] for entry in entries]
    for first, other in pairwise(runs):
        target = entries[0].target
        if other.tallies[target].ids != first.tallies[target].ids:
            raise DataError(
                f"{other.path} has counts of other images than {first.path}, so they cannot be "
                "compared; run both on the same data"
            )
