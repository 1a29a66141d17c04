"""Boards of records that may be compared, and their entries: one method, its seeds together.

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

# A row of a table: a method, or something that methods are compared with.
Kind = Literal["method", "control", "bound", "published"]


@dataclass(frozen=True, eq=False)
class LoadedRecord:
    """A record, its file, and its counts by image for each target that has them."""

    record: Record
    path: Path
    tallies: Mapping[str, Tallies] = field(default_factory=dict)

    def score(self, target: str) -> Score | None:
        """The score of the masks, or of this segmentor; None if it did not finish."""
        part = self.record.part(target)
        return part.score if part else None

    def estimate(self, target: str) -> Estimate | None:
        """mIoU with the error from the choice of images; None without counts of enough images."""
        score, tallies = self.score(target), self.tallies.get(target)
        if score is None or tallies is None:
            return None
        estimate = estimates.miou(tallies.counts, t=score.t)
        return estimate if math.isfinite(estimate.t) else None


@dataclass(frozen=True, eq=False)
class Entry:
    """One method on one target: MASKS, or the label of a segmentor.

    Of runs that share their masks, or their segmentor, only the first is kept. ``values``: mIoU of
    each finished run, a fraction, in the order of ``runs``; ``estimate``: their mean with the error
    from the choice of images, None if a run did not finish or has no counts.
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
        """MASKS, then the labels of segmentors in order of appearance."""
        labels = (label for run in self.loaded for label in run.record.recipe.get("segmentors", ()))
        return (MASKS, *dict.fromkeys(labels))

    @cached_property
    def methods(self) -> tuple[tuple[LoadedRecord, ...], ...]:
        """The runs of each method, seeds together, in the order of the first of each."""
        methods: dict[str, list[LoadedRecord]] = {}
        for run in self.loaded:
            methods.setdefault(run.record.method, []).append(run)
        return tuple(tuple(runs) for runs in methods.values())

    def entries(self, target: str = MASKS) -> tuple[Entry, ...]:
        """An entry for each method that aims at the target, those that failed as well."""
        aiming = [
            runs
            for runs in self.methods
            if target == MASKS or target in runs[0].record.recipe.get("segmentors", ())
        ]
        return tuple(entry_of(runs, target) for runs in aiming)


def entry_of(runs: Sequence[LoadedRecord], target: str) -> Entry:
    """The entry of one method from its runs, one for each seed."""
    kept = {id(record) for record in distinct([run.record for run in runs], target)}
    runs = [run for run in runs if id(run.record) in kept]
    scores = [score for run in runs if (score := run.score(target))]
    estimated = [estimate for run in runs if (estimate := run.estimate(target))]
    all_estimated = len(estimated) == len(runs) and same_images(runs, target)
    return Entry(
        runs[0].record.method,
        target,
        kind_of([run.record for run in runs], target),
        tuple(runs),
        tuple(score.miou for score in scores),
        estimates.mean_of(estimated) if all_estimated else None,
    )


def same_images(runs: Iterable[LoadedRecord], target: str) -> bool:
    """Whether the counts are of the same images in the same order, so that they can be paired."""
    return len({run.tallies[target].ids for run in runs if target in run.tallies}) == 1


def kind_of(group: Sequence[Record], target: str = MASKS) -> Kind:
    """Whether the seeds of a row are of a method, a control row or a bound."""
    if any(record.sup_of(target) == "F." for record in group):
        return "bound"
    return "control" if group[0].control else "method"


def load(folders: Iterable[Path]) -> tuple[LoadedRecord, ...]:
    """All records below these folders of results or boards, with their counts if they have any.

    A row that several folders share is returned once (see ``once``).

    Raises:
        DataError: names the folder without records, the invalid file, or the counts that do not
            belong to their record.
    """
    runs: list[LoadedRecord] = []
    for folder in folders:
        paths = sorted((folder / RECORDS).glob("*.json"))
        if not paths:
            raise DataError(f"there are no records in {folder / RECORDS}; run the suite first")
        runs += map(load_file, paths)
    return once(runs)


def load_file(path: Path, limit: int | None = None) -> LoadedRecord:
    """The record in a file, with its counts. Raises what ``load`` and ``counts.read`` raise."""
    record = load_record(path)
    if not record.counts:
        return LoadedRecord(record, path)
    file = counts.path_of(path)
    tallies = counts.read(file, limit)
    if digest_file(file) != record.counts:
        raise DataError(
            f"{file} has other counts than those that {path} was made with; run the suite again, "
            "or take the file back"
        )
    return LoadedRecord(record, path, tallies)


def once(loaded: Iterable[LoadedRecord]) -> tuple[LoadedRecord, ...]:
    """The records, with one for each row that several suites share: the same stages made its masks.

    A control row gets the segmentors of all suites; where it failed in one suite, the record of
    another replaces it.
    """
    kept: dict[object, LoadedRecord] = {}
    for run in loaded:
        record = run.record
        row: object = (record.data, record.protocol, record.method, record.seed)
        merged = joined(kept[row], run) if row in kept else run
        kept[row if merged else len(kept)] = merged or run  # ``boards`` refuses what conflicts
    return tuple(kept.values())


def joined(first: LoadedRecord, second: LoadedRecord) -> LoadedRecord | None:
    """Merge two records of one row; None if they conflict."""
    a, b = first.record, second.record
    controls = a.control and b.control
    if controls and (a.failure or b.failure):
        return max(first, second, key=lambda run: (not run.record.failure, len(run.record.steps)))
    parts_a, parts_b = ({s.segmentor: s for s in record.segmentations} for record in (a, b))
    for target in (MASKS, *(parts_a.keys() & parts_b.keys())):
        if a.maker(target) is None or a.maker(target) != b.maker(target):
            return None
    if parts_a.keys() >= parts_b.keys() and (a.control or len(parts_a) == len(parts_b)):
        return first
    if not controls:
        return None
    labels = dict.fromkeys((*a.recipe["segmentors"], *b.recipe["segmentors"]))
    changes = {
        "recipe": {**a.recipe, "segmentors": list(labels)},
        "segmentations": tuple({**parts_a, **parts_b}.values()),
        "steps": tuple({step.key: step for step in (*b.steps, *a.steps)}.values()),
    }
    tallies = {**second.tallies, **first.tallies}
    return LoadedRecord(a.model_copy(update=changes), first.path, tallies)


def boards(loaded: Iterable[LoadedRecord]) -> tuple[Board, ...]:
    """The boards that the records make, by dataset; unlike protocols never share one.

    Raises:
        DataError: two records are of the same method and seed, or seeds of a method have different
            recipes; names both files.
    """
    ordered = sorted(loaded, key=_place)
    groups = [tuple(runs) for _, runs in groupby(ordered, key=_place)]
    return tuple(_board(runs) for runs in groups)


def _place(run: LoadedRecord) -> tuple[str, str, str]:
    """Records before version 2 have no fingerprint of the data, but a key of it."""
    record = run.record
    data = record.protocol.fingerprint or record.data
    return record.dataset, record.protocol.name, data


def _board(runs: tuple[LoadedRecord, ...]) -> Board:
    paths: dict[tuple[str, int], Path] = {}
    firsts: dict[str, LoadedRecord] = {}
    for run in runs:
        method, seed = run.record.method, run.record.seed
        first = firsts.setdefault(method, run)
        if (method, seed) in paths:
            raise DataError(
                f"{run.path} and {paths[method, seed]} are both of '{method}', seed {seed}; leave "
                "one of them out, or give one of the rows another name"
            )
        if run.record.recipe != first.record.recipe:
            raise DataError(
                f"{run.path} and {first.path} are seeds of '{method}' with different recipes, so "
                "they have no mean; leave one of them out, or give one of the rows another name"
            )
        paths[method, seed] = run.path
    return Board(runs[0].record.dataset, runs[0].record.protocol, runs)
