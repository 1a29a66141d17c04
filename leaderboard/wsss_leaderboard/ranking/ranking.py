"""Rank intervals and tie groups of the methods of one target.

The rank interval of a method goes from 1 + the number of methods that are significantly better to
N - the number that are significantly worse (Al Mohamad, Goeman and van Zwet, Biometrics 2022, who
use Tukey's test instead of Holm's procedure)."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from wsss_harness.contract.errors import DataError
from wsss_leaderboard.ranking.entries import Entry
from wsss_leaderboard.statistics.variances import Means, significant, tie_groups


def means_of(entries: Sequence[Entry]) -> Means:
    """The means of entries, all of which have an estimate on the same images."""
    estimates = [entry.estimate for entry in entries if entry.estimate]
    return Means.of(estimates, [independent_runs(entry) for entry in entries])


def independent_runs(entry: Entry) -> dict[int, float]:
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
    """Raise DataError, which names two records, if their counts are of different images."""
    runs = [entry.runs[0] for entry in entries]
    for first, other in pairwise(runs):
        target = entries[0].target
        if other.tallies[target].ids != first.tallies[target].ids:
            raise DataError(
                f"{other.path} has counts of other images than {first.path}, so they cannot be "
                "compared; run both on the same data"
            )


TIES = (
    "Tie groups: each begins with the best method not yet in a group, and takes in all others that "
    "are not significantly worse."
)


@dataclass(frozen=True)
class Place:
    """Where an entry stands. ``low`` to ``high`` is the 95 % interval of its mean, a fraction.

    ``best`` to ``worst`` is its rank interval, ``group`` its tie group, 1 being the top; None for
    controls and bounds. ``single``: it has one run, so its own spread over seeds is unknown.
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
        means = means_of([entries[number] for number in methods])
        places |= zip(methods, ranked(means), strict=True)
        notes = notes_of(means)
    return Ranking(tuple(places.get(number) for number in range(len(entries))), notes)


def placed(means: Means) -> list[Place]:
    """The interval of each entry."""
    reaches = means.variances().reaches
    return [
        Place(float(value - reach), float(value + reach), bool(number == 1))
        for value, reach, number in zip(means.values, reaches, means.number, strict=True)
    ]


def ranked(means: Means) -> list[Place]:
    """The interval of each method, with rank interval and tie group."""
    better = significant(means)
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


def notes_of(means: Means) -> tuple[str, ...]:
    """How to read intervals, ranks and groups."""
    over = "images and seeds"
    if means.within is None:
        over = "images alone, since no method has several seeds: some differences may be luck"
    notes = [
        f"Intervals: 95 %, over {over}. Ranks: the best and the worst that the significant "
        "differences allow; all pairs tested together at 5 % (Holm), paired by image.",
        TIES,
    ]
    if means.within is not None and (means.number == 1).any():
        notes.append("Single runs: the spread over seeds is estimated from the other methods.")
    return tuple(notes)
