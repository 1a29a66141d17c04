"""Boards and their entries: records of one dataset and protocol, the seeds of a method together.

A folder of records may be what a run wrote, or a board that others submitted to. Means and errors
are computed from the records whenever they are shown.
"""

import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import groupby
from pathlib import Path
from typing import Literal

from wsss_harness.contract.errors import DataError
from wsss_harness.store.layout import RECORDS
from wsss_harness.system.digests import digest_file
from wsss_leaderboard.records import counts
from wsss_leaderboard.records.counts import MASKS, Tallies
from wsss_leaderboard.records.provenance import Protocol
from wsss_leaderboard.records.record import Record, distinct, load_record
from wsss_leaderboard.records.scores import Score
from wsss_leaderboard.statistics import estimates
from wsss_leaderboard.statistics.estimates import Estimate

# What a row of a table is: a method, or what methods are compared with.
Kind = Literal["method", "control", "bound", "published"]


@dataclass(frozen=True, eq=False)
class LoadedRecord:
    """A record, its file, and its counts by image, by target; none where they are missing."""

    record: Record
    path: Path
    tallies: Mapping[str, Tallies] = field(default_factory=dict)

    def score(self, target: str) -> Score | None:
        """What the masks scored, or the segmentor of this label; None if it did not finish."""
        if target == MASKS:
            return self.record.masks.score if self.record.masks else None
        found = (s.score for s in self.record.segmentations if s.segmentor == target)
        return next(found, None)

    def estimate(self, target: str) -> Estimate | None:
        """mIoU with the error of the choice of images; None without counts of enough images."""
        score, tallies = self.score(target), self.tallies.get(target)
        if score is None or tallies is None:
            return None
        found = estimates.miou(tallies.counts, t=score.t)
        return found if math.isfinite(found.t) else None


@dataclass(frozen=True, eq=False)
class Entry:
    """One method on one target: MASKS, or the label of a segmentor.

    Of runs that share their masks, or their segmentor, there is the first alone. ``values``: mIoU
    of each finished run, a fraction, in the order of ``runs``; ``estimate``: their mean with the
    error of the choice of images, None if a run did not finish or has no counts.
    """

    method: str
    target: str
    kind: Kind
    runs: tuple[LoadedRecord, ...]
    values: tuple[float, ...]
    estimate: Estimate | None

    @property
    def records(self) -> tuple[Record, ...]:
        return tuple(run.record for run in self.runs)

    @property
    def complete(self) -> bool:
        return len(self.values) == len(self.runs)

    @property
    def mean(self) -> float | None:
        """Over the seeds; None unless all of them finished."""
        return statistics.fmean(self.values) if self.complete else None

    @property
    def spread(self) -> float | None:
        """Standard deviation over the seeds (n - 1); None for one seed."""
        several = self.complete and len(self.values) > 1
        return statistics.stdev(self.values) if several else None


@dataclass(frozen=True, eq=False)
class Board:
    """Records that may be compared: the same dataset, measured by the same protocol."""

    dataset: str
    protocol: Protocol
    loaded: tuple[LoadedRecord, ...]

    @property
    def name(self) -> str:
        """The dataset, and the digits of the protocol."""
        return f"{self.dataset}-{self.protocol.name}"

    @property
    def targets(self) -> tuple[str, ...]:
        """MASKS, then the labels of segmentors in the order in which they are met."""
        labels = (one for run in self.loaded for one in run.record.recipe.get("segmentors", ()))
        return (MASKS, *dict.fromkeys(labels))

    @cached_property
    def methods(self) -> tuple[tuple[LoadedRecord, ...], ...]:
        """The runs of each method, seeds together, in the order of the first of each."""
        found: dict[str, list[LoadedRecord]] = {}
        for run in self.loaded:
            found.setdefault(run.record.method, []).append(run)
        return tuple(tuple(runs) for runs in found.values())

    def entries(self, target: str = MASKS) -> tuple[Entry, ...]:
        """An entry for each method that aims at the target, those that failed as well."""
        aiming = [runs for runs in self.methods if _aims(runs[0].record, target)]
        return tuple(entry_of(runs, target) for runs in aiming)


def _aims(record: Record, target: str) -> bool:
    return target == MASKS or target in record.recipe.get("segmentors", ())


def entry_of(runs: Sequence[LoadedRecord], target: str) -> Entry:
    """The entry of the runs of one method, a seed each."""
    kept = {id(record) for record in distinct([run.record for run in runs], target)}
    runs = [run for run in runs if id(run.record) in kept]
    scores = [score for run in runs if (score := run.score(target))]
    found = [estimate for run in runs if (estimate := run.estimate(target))]
    whole = len(found) == len(runs) and same_images(runs, target)
    return Entry(
        runs[0].record.method,
        target,
        kind_of([run.record for run in runs]),
        tuple(runs),
        tuple(score.miou for score in scores),
        estimates.mean_of(found) if whole else None,
    )


def same_images(runs: Iterable[LoadedRecord], target: str) -> bool:
    """Whether the counts are of the same images in the same order, so that they can be paired."""
    return len({run.tallies[target].ids for run in runs if target in run.tallies}) == 1


def kind_of(group: Sequence[Record]) -> Kind:
    """Whether the seeds of a row are those of a method, of a control row, or of a bound."""
    if any(record.sup == "F." for record in group):
        return "bound"
    return "control" if group[0].control else "method"


def load(folders: Iterable[Path]) -> tuple[LoadedRecord, ...]:
    """All records below these folders of results or boards, with counts where they are there.

    What several folders have stands once (see ``once``).

    Raises:
        DataError: a folder has no records, a file is not what it should be, or counts are not
            those of their record; by name.
    """
    return once(run for folder in folders for run in _load(folder))


def _load(folder: Path) -> Iterable[LoadedRecord]:
    found = sorted((folder / RECORDS).glob("*.json"))
    if not found:
        raise DataError(f"there are no records in {folder / RECORDS}; run the suite first")
    yield from map(load_file, found)


def load_file(path: Path) -> LoadedRecord:
    """The record in a file, with its counts; raises as ``load``."""
    record = load_record(path)
    return LoadedRecord(record, path, _tallies(record, path))


def _tallies(record: Record, path: Path) -> Mapping[str, Tallies]:
    if not record.counts:
        return {}
    place = counts.path_of(path)
    found = counts.read(place)
    if digest_file(place) != record.counts:
        raise DataError(
            f"{place} has other counts than those that {path} was made with; run the suite again, "
            "or take the file back"
        )
    return found


def once(loaded: Iterable[LoadedRecord]) -> tuple[LoadedRecord, ...]:
    """The runs, those that suites share but once: the same stages made their masks.

    A control row of suites with unlike segmentors has them all; one that failed in a suite gives
    way to what another made of it.
    """
    found: dict[object, LoadedRecord] = {}
    for run in loaded:
        record = run.record
        place: object = (record.data, record.protocol, record.method, record.seed)
        earlier = found.get(place)
        both = joined(earlier, run) if earlier else run
        found[place if both else len(found)] = both or run  # what is unlike is for ``boards``
    return tuple(found.values())


def joined(one: LoadedRecord, other: LoadedRecord) -> LoadedRecord | None:
    """The run of which both are parts; None if there is none."""
    first, second = one.record, other.record
    if first.control and second.control and (first.failure or second.failure):
        return max(one, other, key=lambda run: (not run.record.failure, len(run.record.steps)))
    ours, theirs = ({s.segmentor: s for s in record.segmentations} for record in (first, second))
    made = [(first.maker(t), second.maker(t)) for t in (MASKS, *(ours.keys() & theirs.keys()))]
    if any(here is None or here != there for here, there in made):
        return None
    if ours.keys() >= theirs.keys() and (first.control or len(ours) == len(theirs)):
        return one
    if not (first.control and second.control):
        return None
    steps = {step.key: step for step in (*second.steps, *first.steps)}
    labels = dict.fromkeys((*first.recipe["segmentors"], *second.recipe["segmentors"]))
    whole = first.model_copy(
        update={
            "recipe": {**first.recipe, "segmentors": list(labels)},
            "segmentations": tuple({**ours, **theirs}.values()),
            "steps": tuple(steps.values()),
        }
    )
    return LoadedRecord(whole, one.path, {**other.tallies, **one.tallies})


def boards(loaded: Iterable[LoadedRecord]) -> tuple[Board, ...]:
    """The boards that the records make, by dataset; unlike protocols never share one.

    Raises:
        DataError: two records are of the same method and seed, or seeds of a method have different
            recipes; names both files.
    """
    ordered = sorted(loaded, key=_place)
    made = [tuple(runs) for _, runs in groupby(ordered, key=_place)]
    return tuple(_board(runs) for runs in made)


def _place(run: LoadedRecord) -> tuple[str, str, str]:
    """Records before version 2 have no fingerprint of the data, but a key of it."""
    record = run.record
    data = record.protocol.fingerprint or record.data
    return record.dataset, record.protocol.name, data


def _board(runs: tuple[LoadedRecord, ...]) -> Board:
    seen: dict[tuple[str, int], Path] = {}
    firsts: dict[str, LoadedRecord] = {}
    for run in runs:
        place = run.record.method, run.record.seed
        first = firsts.setdefault(run.record.method, run)
        if place in seen:
            raise DataError(
                f"{run.path} and {seen[place]} are both of '{place[0]}', seed {place[1]}; leave "
                "one of them out, or give one of the rows another name"
            )
        if run.record.recipe != first.record.recipe:
            raise DataError(
                f"{run.path} and {first.path} are seeds of '{place[0]}' with different recipes, so "
                "they have no mean; leave one of them out, or give one of the rows another name"
            )
        seen[place] = run.path
    return Board(runs[0].record.dataset, runs[0].record.protocol, runs)
