"""The page of a method: seeds, published figures, classes, thresholds, errors, cost, settings."""

import json
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import xxhash

from wsss_harness.system.files import write_text
from wsss_leaderboard.comparison.comparison import PARTS, parts_of, steps_of
from wsss_leaderboard.ranking.entries import Entry, LoadedRecord
from wsss_leaderboard.records.counts import MASKS
from wsss_leaderboard.records.record import Record
from wsss_leaderboard.records.scores import Cause
from wsss_leaderboard.site.board import Target, folder_of, targets_of
from wsss_leaderboard.site.board_table import BoardRow, BoardTable
from wsss_leaderboard.site.charts import CauseShare, curve_of, shares_of
from wsss_leaderboard.site.compare import pairs_of
from wsss_leaderboard.site.names import LONGEST, shown, stem
from wsss_leaderboard.site.pages import Pages, minutes, percent


@dataclass(frozen=True, eq=False)
class TargetResult:
    """What a method reached on one target."""

    target: Target
    line: BoardRow
    lines: BoardTable
    pairs: dict[str, Any]
    classes: dict[str, float | None]
    shares: list[CauseShare]

    @property
    def entry(self) -> Entry:
        assert self.line.entry is not None
        return self.line.entry


def write_methods(pages: Pages, each: Sequence[BoardTable]) -> None:
    """Write the pages of all methods of a board, and the data that its other pages ask for."""
    board = each[0].board
    folder = folder_of(board)
    known = {found.target: {line.method: line for line in found.all} for found in each}
    pairs = {found.target: pairs_of(found) for found in each}
    targets = targets_of(board)
    for runs in board.methods:
        method = runs[0].record.method
        reached = [
            _reached(target, known[target.name][method], found, pairs[target.name].get(method, {}))
            for target, found in zip(targets, each, strict=True)
            if method in known[target.name]
        ]
        _write(pages, folder, runs, reached)


def _reached(
    target: Target, line: BoardRow, lines: BoardTable, pairs: dict[str, Any]
) -> TargetResult:
    assert line.entry is not None
    found = [score.iou for run in line.entry.runs if (score := run.score(target.name))]
    names = found[0] if found else ()
    classes = {name: _mean([iou.get(name) for iou in found]) for name in names}
    anatomies = [anatomy_of(record, target.name) for record in line.records]
    return TargetResult(target, line, lines, pairs, classes, shares_of(anatomies))


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None


def anatomy_of(record: Record, target: str) -> dict[str, Cause]:
    """The causes of the wrong pixels of a target; empty where they were not counted."""
    if target == MASKS:
        return record.masks.anatomy if record.masks else {}
    return next((s.anatomy for s in record.segmentations if s.segmentor == target), {})


def _write(
    pages: Pages, folder: str, runs: Sequence[LoadedRecord], reached: list[TargetResult]
) -> None:
    first = runs[0].record
    name = stem(first.method)
    for run in runs:
        pages.copy(run.path, f"{folder}/{address_of(run.record)}")
    pages.write(
        f"{folder}/methods/{name}.html",
        "method.html",
        board=reached[0].lines.board,
        runs=runs,
        first=first,
        name=name,
        reached=reached,
        kind=reached[0].line.kind,
        line=reached[0].line,
        addresses=[(run.record.seed, address_of(run.record)) for run in runs],
        curve=curve_of([run.record for run in runs]),
        command=command_of(pages, first),
        environments=environments_of(runs),
        settings=settings_of(first),
    )
    pages.write_data(f"{folder}/data/{name}.js", name, data_of(runs, reached))


def address_of(record: Record) -> str:
    """Where a copy of the record lies in the folder of its board."""
    return f"records/{stem(record.method)}-seed{record.seed}.json"


def command_of(pages: Pages, record: Record) -> tuple[str, str] | None:
    """The command that runs a row again, and the address of its suite; None for old records."""
    if not record.definition:
        return None
    text = json.dumps(record.definition, indent=1, sort_keys=True)
    digest = xxhash.xxh3_64_hexdigest(text.encode())[:8]
    path = f"suites/{stem(record.suite)}-{digest}.json"
    if not (pages.out / path).exists():
        write_text(pages.out / path, f"{text}\n")
    plain = not record.control and record.method == shown(record.method, LONGEST)
    rows = f" --rows {shlex.quote(record.method)}" if plain else ""
    return f"wsss run {path.rpartition('/')[2]}{rows}", path


def environments_of(runs: Sequence[LoadedRecord]) -> list[tuple[str, str]]:
    """Each part of the environments of all stages, with all values that it had."""
    found: dict[str, set[str]] = {}
    for run in runs:
        for step in run.record.steps:
            for part, value in step.environment.items():
                found.setdefault(part, set()).add(value)
    return [(part, ", ".join(sorted(values))) for part, values in sorted(found.items())]


def settings_of(record: Record) -> dict[str, str]:
    """All that decided a row, as `wsss diff` compares it, by part and name."""
    parts = {**dict(zip(PARTS, parts_of(record), strict=True)), **steps_of(record)}
    return {
        f"{part}: {name}": json.dumps(value)
        for part, values in parts.items()
        for name, value in values.items()
    }


def data_of(runs: Sequence[LoadedRecord], reached: Sequence[TargetResult]) -> dict[str, Any]:
    """What the board shows below a row, and what the page that compares two rows reads."""
    return {
        "method": shown(runs[0].record.method),
        "seeds": [_seed(run, reached) for run in runs],
        "targets": {one.target.key: _target(one) for one in reached},
        "settings": settings_of(runs[0].record),
    }


def _seed(run: LoadedRecord, reached: Sequence[TargetResult]) -> dict[str, Any]:
    scores = {one.target.key: run.score(one.target.name) for one in reached}
    return {
        "seed": run.record.seed,
        "miou": {name: percent(score.miou if score else None) for name, score in scores.items()},
        "minutes": minutes(run.record.seconds),
        "record": address_of(run.record),
    }


def _target(one: TargetResult) -> dict[str, Any]:
    return {
        "mean": one.entry.mean,
        "classes": one.classes,
        **one.pairs,
        "shares": {share.cause: [share.share, share.gain] for share in one.shares},
    }
