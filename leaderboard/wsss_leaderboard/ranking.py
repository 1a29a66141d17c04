"""Ranks that say how sure they are: rank intervals and tie groups of the methods of one target.

What is estimated is the mean over seeds and over images like these. Its variance is the sum of

- that of the choice of images, by the influences of the images on the mean of the runs, scaled as
  its bootstrap-t asks (see ``estimates``); and
- that of the seeds, s^2 / n, whose n runs are seen on the same images. A single run borrows s^2
  from the methods with several (pooled by their n - 1). Without any the seeds are left out.

The sum counts what moves with image and seed together twice, so it errs on the safe side (Owen,
"The pigeonhole bootstrap", Annals of Applied Statistics 2007). Its degrees of freedom are those of
Satterthwaite ("An approximate distribution of estimates of variance components", 1946). Differences
are paired by image, and by seed where both methods have the same seeds: rows share stages.

All pairs of methods are tested together by Holm's procedure (Scandinavian Journal of Statistics,
1979), so with 95 % certainty no difference that is called significant is wrong. The rank interval
of a method goes from 1 + how many are significantly better to N - how many are significantly worse
(as Al Mohamad, Goeman and van Zwet, Biometrics 2022, have it with Tukey's test).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri, stdtr, stdtrit

from wsss_harness.errors import DataError
from wsss_leaderboard.entries import Entry
from wsss_leaderboard.estimates import LEVEL

Floats = NDArray[np.float64]
NORMAL = float(ndtri((1 + LEVEL) / 2))

TIES = (
    "Tie groups: a group begins with the best method that is in none yet, and takes in all of the "
    "others that are not significantly worse than it."
)


@dataclass(frozen=True)
class Place:
    """Where an entry stands. ``low`` to ``high`` is the 95 % interval of its mean, a fraction.

    ``best`` to ``worst`` is its rank interval, ``group`` its tie group, 1 being the top; None for
    what is no method. ``single``: it has one run, so its own spread over seeds is not known.
    """

    low: float
    high: float
    single: bool
    best: int | None = None
    worst: int | None = None
    group: int | None = None

    @property
    def reach(self) -> float:
        """From the mean to either end."""
        return (self.high - self.low) / 2

    @property
    def ranks(self) -> str:
        """The rank interval in words."""
        return f"{self.best}" if self.best == self.worst else f"{self.best}-{self.worst}"


@dataclass(frozen=True)
class Ranking:
    """A place for each entry, None for one without an estimate; ``notes`` say how to read them."""

    places: tuple[Place | None, ...]
    notes: tuple[str, ...] = ()


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
        whole = (self.images + self.seeds) ** 2
        found: Floats = np.full(whole.shape, np.inf)
        np.divide(self.df * whole, self.seeds**2, out=found, where=self.seeds > 0)
        return found

    @property
    def reaches(self) -> Floats:
        """From each figure to the ends of its 95 % interval."""
        found: Floats = stdtrit(self.freedom, (1 + LEVEL) / 2) * self.errors
        return found


def rank(entries: Sequence[Entry]) -> Ranking:
    """The places of the entries of one board and target.

    Raises:
        DataError: the counts of two entries are of other images.
    """
    known = [number for number, entry in enumerate(entries) if entry.estimate]
    if not known:
        return Ranking((None,) * len(entries))
    runs = Runs.of([entries[number] for number in known])
    methods = np.array([entries[number].kind == "method" for number in known])
    better = np.zeros((len(known),) * 2, bool)
    better[np.ix_(methods, methods)] = significant(runs.part(methods))
    groups = tie_groups(runs.values, better, methods)
    places: list[Place | None] = [None] * len(entries)
    reaches = runs.variances().reaches
    for one, number in enumerate(known):
        value, reach = runs.values[one], reaches[one]
        ranks: dict[str, Any] = {}
        if methods[one]:
            ranks["best"] = 1 + int(better[:, one].sum())
            ranks["worst"] = int(methods.sum() - better[one].sum())
            ranks["group"] = groups[one]
        single = len(entries[number].values) == 1
        places[number] = Place(float(value - reach), float(value + reach), single, **ranks)
    return Ranking(tuple(places), notes_of(runs))


@dataclass(frozen=True, eq=False)
class Runs:
    """Entries as arrays: means (n,), influences of images (n, images), t (n,), and their seeds.

    ``apart``: (n, seeds), how far each run is from the mean of its entry, 0 where there is none;
    ``ran``: (n, seeds), which there are.
    """

    values: Floats
    influences: Floats
    t: Floats
    apart: Floats
    ran: NDArray[np.bool_]
    spread: float | None  # variance of a run of an entry that has no other
    spread_df: float

    @classmethod
    def of(cls, entries: Sequence[Entry]) -> "Runs":
        found = [entry.estimate for entry in entries if entry.estimate]
        _check_images(entries)
        each = [independent(entry) for entry in entries]
        seeds = sorted({seed for runs in each for seed in runs})
        apart = np.zeros((len(entries), len(seeds)))
        ran = np.zeros(apart.shape, bool)
        for row, runs in enumerate(each):
            columns = [seeds.index(seed) for seed in runs]
            apart[row, columns] = np.array(list(runs.values())) - np.mean(list(runs.values()))
            ran[row, columns] = True
        freedom = float((ran.sum(1) - 1).sum())
        spread = float((apart**2).sum() / freedom) if freedom else None
        return cls(
            np.array([one.value for one in found]),
            np.stack([one.influence for one in found]),
            np.array([one.t for one in found]),
            apart,
            ran,
            spread,
            max(freedom, 1.0),
        )

    def part(self, chosen: NDArray[np.bool_]) -> "Runs":
        """Some of the entries."""
        arrays = (self.values, self.influences, self.t, self.apart)
        values, influences, t, apart = (array[chosen] for array in arrays)
        return replace(
            self, values=values, influences=influences, t=t, apart=apart, ran=self.ran[chosen]
        )

    @property
    def number(self) -> NDArray[np.int64]:
        number: NDArray[np.int64] = self.ran.sum(1)
        return number

    def variances(self) -> Variances:
        """Of the means."""
        several = self.number > 1
        own = (self.apart**2).sum(1) / np.maximum(self.number - 1, 1)
        seeds = np.where(several, own, self.spread or 0) / self.number
        df = np.where(several, np.maximum(self.number - 1, 1), self.spread_df)
        images = (self.influences**2).sum(1) * (self.t / NORMAL) ** 2
        return Variances(images, seeds, df)

    def differences(self) -> Variances:
        """Of all differences, (n, n)."""
        images = _of_differences(self.influences @ self.influences.T)
        images *= (np.add.outer(self.t, self.t) / 2 / NORMAL) ** 2
        mine, number = self.variances(), self.number
        seeds = np.add.outer(mine.seeds, mine.seeds)
        each = mine.seeds**2 / mine.df
        df = seeds**2 / np.maximum(np.add.outer(each, each), np.finfo(float).tiny)
        same = (self.ran[:, None] == self.ran[None]).all(-1) & (number > 1)
        paired = _of_differences(self.apart @ self.apart.T) / np.maximum(number * (number - 1), 1)
        return Variances(
            images, np.where(same, paired, seeds), np.where(same, np.maximum(number - 1, 1), df)
        )


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


def _of_differences(products: Floats) -> Floats:
    """Squared lengths of all differences, from the products of all pairs."""
    own = np.diagonal(products)
    return np.maximum(np.add.outer(own, own) - 2 * products, 0)


def _check_images(entries: Sequence[Entry]) -> None:
    first, *others = (entry.runs[0] for entry in entries)
    target = entries[0].target
    for other in others:
        if other.tallies[target].ids != first.tallies[target].ids:
            raise DataError(
                f"{other.path} has counts of other images than {first.path}, so they cannot be "
                "compared; run both on the same data"
            )


def significant(runs: Runs) -> NDArray[np.bool_]:
    """(n, n): whether the row is significantly better than the column, all pairs together."""
    gaps = np.subtract.outer(runs.values, runs.values)
    among = runs.differences()
    sizes = np.divide(
        np.abs(gaps), among.errors, out=np.where(gaps == 0, 0, np.inf), where=among.errors > 0
    )
    upper = np.triu_indices(len(gaps), 1)
    chances = 2 * stdtr(among.freedom[upper], -sizes[upper])
    found = np.zeros(gaps.shape, bool)
    found[upper] = holm(chances)
    return (found | found.T) & (gaps > 0)


def holm(chances: Floats, level: float = 1 - LEVEL) -> NDArray[np.bool_]:
    """Which p-values are significant together: the smallest ones, each against level / how many
    are not smaller, up to the first that fails.
    """
    order = np.argsort(chances, kind="stable")
    passed = chances[order] <= level / np.arange(len(chances), 0, -1)
    significant = np.zeros(len(chances), bool)
    significant[order] = np.logical_and.accumulate(passed)
    return significant


def tie_groups(
    values: Floats, better: NDArray[np.bool_], ranked: NDArray[np.bool_]
) -> dict[int, int]:
    """The group of each ranked entry, as TIES has it; ``better`` as ``significant`` gives it."""
    left = [int(n) for n in np.argsort(-values, kind="stable") if ranked[n]]
    groups: dict[int, int] = {}
    number = 0
    while left:
        number += 1
        head = left[0]
        groups |= {n: number for n in left if not better[head, n]}
        left = [n for n in left if n not in groups]
    return groups


def notes_of(runs: Runs) -> tuple[str, ...]:
    """How intervals, ranks and groups are to be read."""
    seeds = "and of the seeds" if runs.spread is not None else "alone; no method has several seeds"
    notes = [
        f"Intervals: 95 %, of the choice of images {seeds}. Ranks: from 1 + how many methods are "
        "significantly better to N - how many are significantly worse, all pairs tested together "
        "at 5 % (Holm), paired by image.",
        TIES,
    ]
    if runs.spread is not None and (runs.number == 1).any():
        notes.append("Single runs: the spread over seeds is that of the methods with several.")
    return tuple(notes)
