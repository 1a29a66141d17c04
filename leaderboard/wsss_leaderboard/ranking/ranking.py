"""Rank intervals and tie groups of the methods of one target.

The rank interval of a method goes from 1 + the number of methods that are significantly better to
N - the number that are significantly worse (Al Mohamad, Goeman and van Zwet, Biometrics 2022, who
use Tukey's test instead of Holm's procedure)."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from wsss_harness.contract.errors import DataError
from wsss_leaderboard.ranking.entries import Entry
from wsss_leaderboard.records import repetition
from wsss_leaderboard.statistics.estimates import Floats
from wsss_leaderboard.statistics.significance import significant, tie_groups
from wsss_leaderboard.statistics.variances import Means

KINDS = (("method",), ("bound", "control"))  # boards pool the spreads of each apart


Scope = Literal["draws", "parts", "images"]  # what intervals cover: see ``scope_of``


def means_of(entries: Sequence[Entry]) -> Means:
    """The means of entries, all of which have an estimate on the same images."""
    estimates = [entry.estimate for entry in entries if entry.estimate]
    draws_of = repetition.runs if scope_of(entries) == "parts" else repetition.draws
    return Means(estimates, [draws_of(e.records, e.values, e.target) for e in entries])


def scope_of(entries: Sequence[Entry]) -> Scope:
    """What the intervals of entries cover besides the choice of images.

    "draws": some row has several draws. "parts": none has, but some have several runs, so that only
    a part of them was repeated, such as the segmentor. "images": all rows have one run.
    """
    if any(len(repetition.draws_of(entry.records, entry.target)) > 1 for entry in entries):
        return "draws"
    return "parts" if any(len(entry.runs) > 1 for entry in entries) else "images"


@dataclass(frozen=True, eq=False)
class Differences:
    """The differences between entries, (n, n), as all tables, pages and commands show them.

    ``reaches``: half-widths of their 95 % intervals; ``scopes``: what these cover; ``images``: how
    many of the scored images a difference rests on.
    """

    reaches: Floats
    scopes: NDArray[np.object_]  # of Scope
    images: Floats


def differences(entries: Sequence[Entry]) -> Differences:
    """The differences between all entries of a board, all of which have an estimate.

    Spreads are pooled as for ranks: over methods, and over bounds and controls. Only differences
    between the two kinds use spreads pooled over all rows.
    """
    variances = means_of(entries).differences()
    scopes = np.full(variances.errors.shape, scope_of(entries), object)
    for kinds in KINDS:
        if places := [place for place, entry in enumerate(entries) if entry.kind in kinds]:
            own, block = [entries[place] for place in places], np.ix_(places, places)
            apart = means_of(own).spreads.of_differences()
            variances.draws.variances[block], variances.draws.df[block] = apart.variances, apart.df
            scopes[block] = scope_of(own)
    return Differences(variances.reaches, scopes, (variances.images.df + 1) / 2)


def check_images(entries: Sequence[Entry]) -> None:
    """Raise DataError, which names two records, if their counts are of different images."""
    runs = [entry.runs[0] for entry in entries]
    for first, other in pairwise(runs):
        target = entries[0].target
        if other.tallies[target].ids != first.tallies[target].ids:
            raise DataError(
                f"{other.path} has counts of other images than {first.path}, so they cannot be "
                "compared; run both on the same data"
            )


TWO = (
    "Rows of two seeds: the interval of one that is much less steady than the others holds in 92 "
    "of 100 cases, not in 95."
)
TIES = (
    "Tie groups: each begins with the best method not yet in a group, and takes in all others that "
    "are not significantly worse."
)


@dataclass(frozen=True)
class Place:
    """Where an entry stands. ``low`` to ``high`` is the 95 % interval of its mean, a fraction.

    ``best`` to ``worst`` is its rank interval, ``group`` its tie group, 1 being the top; None for
    controls and bounds. ``single``: it has one draw, so its own spread over seeds is unknown.
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
        DataError: the counts of two entries are of different images.
    """
    estimated = {number: entry for number, entry in enumerate(entries) if entry.estimate}
    check_images(list(estimated.values()))
    methods = [number for number, entry in estimated.items() if entry.kind == "method"]
    others = [number for number in estimated if number not in methods]
    places: dict[int, Place] = {}
    notes: tuple[str, ...] = ()
    if others:
        means = means_of([entries[number] for number in others])
        places |= zip(others, placed(means), strict=True)
    if methods:
        ranked_entries = [entries[number] for number in methods]
        sure = scope_of(ranked_entries) == "draws"
        places |= zip(methods, ranked(means_of(ranked_entries), sure), strict=True)
        notes = notes_of(ranked_entries)
    return Ranking(tuple(places.get(number) for number in range(len(entries))), notes)


def placed(means: Means) -> list[Place]:
    """The interval of each entry."""
    reaches = means.variances().reaches
    return [
        Place(float(value - reach), float(value + reach), len(draws.values) == 1)
        for value, reach, draws in zip(means.values, reaches, means.draws, strict=True)
    ]


def ranked(means: Means, sure: bool) -> list[Place]:
    """The interval of each method, with rank interval and tie group; without draws all tie."""
    better = significant(means) if sure else np.zeros((len(means.values),) * 2, bool)
    groups = tie_groups(means.values, better)
    above, below = better.sum(0), better.sum(1)
    return [
        replace(
            place,
            best=1 + int(above[number]),
            worst=len(better) - int(below[number]),
            group=groups[number],
        )
        for number, place in enumerate(placed(means))
    ]


OVER: dict[Scope, str] = {
    "draws": "scored images and seeds",
    "parts": "scored images and the seeds of a part",
    "images": "scored images alone",
}
RANKS = (
    "Ranks: the best and the worst that the significant differences allow; all pairs tested "
    "together at 5 % (Holm), paired by image."
)
OPEN = (
    "No method repeats its generator with several seeds, so nobody knows how much is luck: no "
    "difference counts as significant, and ranks and ties are left open."
)


def notes_of(entries: Sequence[Entry]) -> tuple[str, ...]:
    """How to read intervals, ranks and groups of these methods."""
    scope = scope_of(entries)
    intervals = f"Intervals: 95 %, over {OVER[scope]}."
    if scope != "draws":
        return f"{intervals} {OPEN}", TIES
    notes = [f"{intervals} {RANKS}", TIES]
    drawn = [len(repetition.draws_of(entry.records, entry.target)) for entry in entries]
    if 1 in drawn:
        notes.append("Single draws: the spread over seeds is estimated from the other methods.")
    if 2 in drawn:
        notes.append(TWO)
    return tuple(notes)
