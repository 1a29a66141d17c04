"""Ranks that say how sure they are: rank intervals and tie groups of the methods of one target.

All pairs of methods are tested together by Holm's procedure (Scandinavian Journal of Statistics,
1979), so with 95 % certainty no difference that is called significant is wrong. The rank interval
of a method goes from 1 + how many are significantly better to N - how many are significantly worse
(as Al Mohamad, Goeman and van Zwet, Biometrics 2022, have it with Tukey's test).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtr

from wsss_leaderboard.ranking.certainty import Runs, check_images
from wsss_leaderboard.ranking.entries import Entry
from wsss_leaderboard.statistics.estimates import LEVEL, Floats

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


def rank(entries: Sequence[Entry]) -> Ranking:
    """The places of the entries of one board and target.

    Raises:
        DataError: the counts of two entries are of other images.
    """
    known = {number: entry for number, entry in enumerate(entries) if entry.estimate}
    check_images(list(known.values()))
    methods = [number for number, entry in known.items() if entry.kind == "method"]
    others = [number for number in known if number not in methods]
    places: dict[int, Place] = {}
    notes: tuple[str, ...] = ()
    if others:
        runs = Runs.of([entries[number] for number in others])
        places |= zip(others, placed(runs), strict=True)
    if methods:
        runs = Runs.of([entries[number] for number in methods])
        places |= zip(methods, ranked(runs), strict=True)
        notes = notes_of(runs)
    return Ranking(tuple(places.get(number) for number in range(len(entries))), notes)


def placed(runs: Runs) -> list[Place]:
    """The interval of each entry."""
    reaches = runs.variances().reaches
    return [
        Place(float(value - reach), float(value + reach), bool(number == 1))
        for value, reach, number in zip(runs.values, reaches, runs.number, strict=True)
    ]


def ranked(runs: Runs) -> list[Place]:
    """The same, with rank interval and tie group."""
    better = significant(runs)
    groups = tie_groups(runs.values, better)
    above, below = better.sum(0), better.sum(1)
    return [
        replace(
            place,
            best=1 + int(above[number]),
            worst=len(better) - int(below[number]),
            group=groups[number],
        )
        for number, place in enumerate(placed(runs))
    ]


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
    """Which p-values are significant together.

    Each is held against level / how many are not smaller, the smallest first; none after the first
    that fails.
    """
    order = np.argsort(chances, kind="stable")
    passed = chances[order] <= level / np.arange(len(chances), 0, -1)
    significant = np.zeros(len(chances), bool)
    significant[order] = np.logical_and.accumulate(passed)
    return significant


def tie_groups(values: Floats, better: NDArray[np.bool_]) -> dict[int, int]:
    """The group of each entry, as TIES has it; ``better`` as ``significant`` gives it."""
    left = [int(number) for number in np.argsort(-values, kind="stable")]
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
    alone = "alone, since no method has several seeds: some differences may be luck"
    notes = [
        "Intervals: 95 %, of the choice of images "
        f"{alone if runs.within is None else 'and of the seeds'}. Ranks: from 1 + how many methods "
        "are significantly better to N - how many are significantly worse, all pairs tested "
        "together at 5 % (Holm), paired by image.",
        TIES,
    ]
    if runs.within is not None and (runs.number == 1).any():
        notes.append("Single runs: the spread over seeds is that of the methods with several.")
    return tuple(notes)
