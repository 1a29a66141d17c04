"""The pages of methods, and the page that compares two; a script in the browser combines data."""

import base64
import json
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import xxhash
from numpy.typing import NDArray

from wsss_harness.system.files import write_text
from wsss_leaderboard.comparison.comparison import PARTS, all_values, parts_of, steps_of
from wsss_leaderboard.ranking.entries import Entry, LoadedRecord
from wsss_leaderboard.records.provenance import TruthUse
from wsss_leaderboard.records.record import Record
from wsss_leaderboard.records.repetition import fixed
from wsss_leaderboard.site.board import Target, folder_of, targets_of
from wsss_leaderboard.site.board_table import BoardRow, BoardTable
from wsss_leaderboard.site.charts import CauseShare, curve_of, shares_of
from wsss_leaderboard.site.pages import LONGEST, Pages, mebibytes, minutes, shown, stem
from wsss_leaderboard.tables.table import percent

DIGITS = 5  # of fractions in data files


def write_compare(pages: Pages, tables: Sequence[BoardTable]) -> None:
    """Write the page, and the image ids in the order of every row's influences."""
    board, folder = tables[0].board, folder_of(tables[0].board)
    pages.write(
        f"{folder}/compare.html",
        "compare.html",
        board=board,
        groups=[(name, rows) for name, rows in tables[0].groups if name != "published"],
        targets=targets_of(board),
    )
    keys = [target.key for target in targets_of(board)]
    ids = dict(zip(keys, map(ids_of, tables), strict=True))
    pages.write_data(f"{folder}/data/images.js", "images", ids)


def ids_of(table: BoardTable) -> list[str]:
    """The scored images of a target, in the order of all influences."""
    tallies = (run.tallies.get(table.target) for run in table.board.loaded)
    first = next(filter(None, tallies), None)
    return list(first.ids) if first else []


def pairs_of(table: BoardTable) -> dict[str, dict[str, Any]]:
    """For each method with an estimate, the data from which its differences are computed.

    ``at``: its place in the lists of all methods. ``reach``: half of the 95 % interval of the
    difference to each method, a fraction. ``seeds``: for each of these, 1 if it includes the
    spread over seeds, 0 if no row has several seeds. ``influence``: of tables image on its mIoU,
    32-bit floats in base64.
    """
    if not table.estimated:
        return {}
    between = table.differences
    covered = between.scopes == "draws"
    return {
        entry.method: {
            "at": place,
            "reach": between.reaches[place].round(DIGITS).tolist(),
            "seeds": covered[place].astype(int).tolist(),
            "influence": encoded(entry.estimate.influence) if entry.estimate else "",
        }
        for place, entry in enumerate(table.estimated)
    }


def encoded(values: NDArray[np.float64]) -> str:
    return base64.b64encode(values.astype("<f4").tobytes()).decode()


@dataclass(frozen=True, eq=False)
class TargetResult:
    target: Target
    row: BoardRow
    table: BoardTable
    pairs: dict[str, Any]
    classes: dict[str, float | None]
    shares: list[CauseShare]

    @property
    def entry(self) -> Entry:
        assert self.row.entry is not None
        return self.row.entry


def write_methods(pages: Pages, tables: Sequence[BoardTable]) -> None:
    """Write the pages of a board's methods, and the data that its other pages load."""
    board = tables[0].board
    folder = folder_of(board)
    rows = {table.target: {row.method: row for row in table.rows} for table in tables}
    pairs = {table.target: pairs_of(table) for table in tables}
    targets = targets_of(board)
    for runs in board.methods:
        method = runs[0].record.method
        results = [
            _result(target, rows[target.name][method], table, pairs[target.name].get(method, {}))
            for target, table in zip(targets, tables, strict=True)
            if method in rows[target.name]
        ]
        _write(pages, folder, runs, results)


def _result(
    target: Target, row: BoardRow, table: BoardTable, pairs: dict[str, Any]
) -> TargetResult:
    assert row.entry is not None
    ious = [score.iou for run in row.entry.runs if (score := run.score(target.name))]
    names = ious[0] if ious else ()
    classes = {name: _mean([iou.get(name) for iou in ious]) for name in names}
    parts = [part for record in row.records if (part := record.part(target.name))]
    shares = shares_of([part.anatomy for part in parts])
    return TargetResult(target, row, table, pairs, classes, shares)


def _mean(values: Sequence[float | None]) -> float | None:
    counted = [value for value in values if value is not None]
    return sum(counted) / len(counted) if counted else None


def _write(
    pages: Pages, folder: str, runs: Sequence[LoadedRecord], results: list[TargetResult]
) -> None:
    first = runs[0].record
    name = stem(first.method)
    for run in runs:
        pages.copy(run.path, f"{folder}/{address_of(run.record)}")
    environments = (step.environment for run in runs for step in run.record.steps)
    pages.write(
        f"{folder}/methods/{name}.html",
        "method.html",
        board=results[0].table.board,
        runs=runs,
        first=first,
        name=name,
        results=results,
        kind=results[0].row.kind,
        row=results[0].row,
        addresses=[(run.record.seed, address_of(run.record)) for run in runs],
        fixed=", ".join(sorted(fixed([run.record for run in runs], results[-1].target.name))),
        curve=curve_of([run.record for run in runs]),
        command=command_of(pages, first),
        environments=sorted(all_values(environments).items()),
        settings=settings_of(first),
        selection=selection_of([run.record for run in runs]),
    )
    pages.write_data(f"{folder}/data/{name}.js", name, data_of(runs, results))


def selection_of(records: Sequence[Record]) -> tuple[TruthUse, ...] | None:
    """What the store had scored when the last of the records was submitted; None if none says."""
    known = [record.selection for record in records if record.selection is not None]
    return max(known, key=lambda uses: sum(use.masks for use in uses), default=None)


def address_of(record: Record) -> str:
    """Path of the copy of a record, in the folder of its board."""
    return f"records/{stem(record.method)}-seed{record.seed}.json"


def command_of(pages: Pages, record: Record) -> tuple[str, str] | None:
    """The command that runs a row again, and the path of its suite; None for old records."""
    if not record.definition:
        return None
    text = json.dumps(record.definition, indent=1, sort_keys=True)
    digest = xxhash.xxh3_64_hexdigest(text.encode())[:8]
    path = f"suites/{stem(record.suite)}-{digest}.json"
    if not (pages.out / path).exists():
        write_text(pages.out / path, f"{text}\n")
    printable = not record.control and record.method == shown(record.method, LONGEST)
    rows = f" --rows {shlex.quote(record.method)}" if printable else ""
    return f"wsss run {path.rpartition('/')[2]}{rows}", path


def settings_of(record: Record) -> dict[str, str]:
    """All settings of a row that `wsss diff` compares, by part and name."""
    parts = {**dict(zip(PARTS, parts_of(record), strict=True)), **steps_of(record)}
    return {
        f"{part}: {name}": json.dumps(value)
        for part, values in parts.items()
        for name, value in values.items()
    }


def data_of(runs: Sequence[LoadedRecord], results: Sequence[TargetResult]) -> dict[str, Any]:
    """Data for the seeds below a row of the board, and for the page that compares two rows."""
    return {
        "method": shown(runs[0].record.method),
        "seeds": [_seed(run, results) for run in runs],
        "targets": {result.target.key: _target(result) for result in results},
        "settings": settings_of(runs[0].record),
    }


def _seed(run: LoadedRecord, results: Sequence[TargetResult]) -> dict[str, Any]:
    scores = {result.target.key: run.score(result.target.name) for result in results}
    return {
        "seed": run.record.seed,
        "miou": {name: percent(score.miou if score else None) for name, score in scores.items()},
        "cpu": minutes(run.record.total("cpu_seconds")),
        "gpu": minutes(run.record.total("gpu_seconds")),
        "memory": mebibytes(run.record.peak_memory),
        "record": address_of(run.record),
    }


def _target(result: TargetResult) -> dict[str, Any]:
    return {
        "mean": result.entry.mean,
        "classes": result.classes,
        **result.pairs,
        "shares": {share.cause: [share.share, share.gain] for share in result.shares},
    }
