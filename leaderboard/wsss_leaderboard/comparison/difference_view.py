"""`wsss diff A B`: finds the rows and shows their comparison as tables."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console

from wsss_harness.contract.errors import ConfigError
from wsss_harness.suite.results import one_of
from wsss_leaderboard.comparison.comparison import (
    Change,
    Comparison,
    Setting,
    TargetChange,
    compare,
)
from wsss_leaderboard.ranking import entries
from wsss_leaderboard.ranking.entries import LoadedRecord
from wsss_leaderboard.tables.table import NOTHING, Column, Table, TableRow, percent

CLASSES = 10  # number of classes that are printed, those that differ most
LONG = 60  # characters of a value


def print_difference(
    a: str, b: str, store: Path, anyway: bool, console: Console, as_json: bool
) -> None:
    """Print how two rows differ, and by how much.

    Raises:
        ConfigError, DataError: A or B names no row, or they were measured differently.
    """
    comparison = compare(runs_of(a, store), runs_of(b, store), anyway)
    if as_json:
        console.print_json(json.dumps(comparison.json(), allow_nan=False))
        return
    console.print(f"A: {comparison.a}\nB: {comparison.b}\n", highlight=False, markup=False)
    for table in tables_of(comparison):
        console.print(table)


def runs_of(name: str, store: Path) -> tuple[LoadedRecord, ...]:
    """The runs of a row, given as the file of a record or as RESULTS:METHOD.

    RESULTS is a suite, the name of its results in the store, or a folder of results.

    Raises:
        ConfigError: the row does not exist; names the rows that do.
        DataError: there are no such results.
    """
    if name.endswith(".json"):
        return (entries.load_file(Path(name)),)
    results, _, method = name.partition(":")
    if not method:
        raise ConfigError(
            f"'{name}' names no row; give the file of a record, or RESULTS:METHOD, as "
            "railscenes:EPS, with a suite, the name of its results or their folder"
        )
    loaded = entries.load([one_of(Path(results), store)])
    runs = [run for run in loaded if run.record.method == method]
    if not runs:
        methods = dict.fromkeys(run.record.method for run in loaded)
        raise ConfigError(f"{results} has no row '{method}'; rows: {', '.join(map(repr, methods))}")
    return tuple(runs)


def tables_of(comparison: Comparison) -> Iterator[Table]:
    """Tables of what differs: settings, mIoU, then classes and images of each target."""
    yield settings_table(comparison.settings)
    yield miou_table(comparison)
    for target in comparison.targets:
        if target.classes:
            yield class_table(target)
        if target.images:
            yield image_table(target)


def settings_table(settings: Sequence[Setting]) -> Table:
    rows = [
        TableRow((setting.part, setting.name, _text(setting.a), _text(setting.b)))
        for setting in sorted(settings, key=lambda setting: setting.part == "source code")
    ]
    heads = ("part", "setting", "A", "B")
    notes = () if rows else ("No setting differs.",)
    columns = tuple(Column(head, words=True) for head in heads)
    return Table("Settings that differ", columns, tuple(rows), notes)


def _text(value: Any) -> str:
    """A value as text; NOTHING for one that a side does not have."""
    if value is None:
        return NOTHING
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= LONG else f"{text[: LONG - 3]}..."


def miou_table(comparison: Comparison) -> Table:
    rows = [_row(_target(target), target.miou, target.seeds) for target in comparison.targets]
    notes = [
        "B - A with its 95 % interval over images and, if there are several runs, seeds; paired by "
        "both. Bold: the interval excludes 0."
    ]
    if comparison.unlike:
        notes = [f"Measured differently, so nothing is paired: {'; '.join(comparison.unlike)}."]
    single = [
        _target(target)
        for target in comparison.targets
        if target.miou.reach is not None and not target.seeds
    ]
    if single:
        notes.append(
            f"Neither row has several seeds of {', '.join(single)}: the interval covers images "
            "alone, so a difference may be luck and is not bold."
        )
    spreads = (note for target in comparison.targets for note in target.spread)
    return Table("mIoU", _columns("target"), tuple(rows), (*notes, *spreads))


def class_table(target: TargetChange) -> Table:
    shown = target.classes[:CLASSES]
    omitted = len(target.classes) - len(shown)
    notes = (f"{omitted} classes that differ less are left out.",) if omitted else ()
    rows = tuple(_row(change.name, change, target.seeds) for change in shown)
    return Table(f"IoU of classes, {_target(target)}", _columns("class"), rows, notes)


def image_table(target: TargetChange) -> Table:
    columns = [Column("image", words=True), *map(Column, ("wrong in A", "in B", "B - A", "moves"))]
    rows = [
        TableRow(
            (
                image.image_id,
                f"{100 * image.a:.1f}",
                f"{100 * image.b:.1f}",
                f"{100 * (image.b - image.a):+.1f}",
                f"{100 * image.influence:+.3f}",
            )
        )
        for image in target.images
    ]
    notes = (
        "wrong: % of its pixels. moves: points of mIoU that the image adds to B - A, relative to "
        "the average image.",
    )
    return Table(f"Images that matter most, {_target(target)}", tuple(columns), tuple(rows), notes)


def _target(target: TargetChange) -> str:
    return target.target or "pseudo-masks"


def _columns(first: str) -> tuple[Column, ...]:
    return (Column(first, words=True), *map(Column, ("A", "B", "B - A", "95 %")))


def _row(name: str, change: Change, seeds: bool) -> TableRow:
    difference = NOTHING if change.difference is None else f"{100 * change.difference:+.1f}"
    reach = NOTHING if change.reach is None else f"±{100 * change.reach:.1f}"
    bold = frozenset({3}) if change.told_apart and seeds else frozenset[int]()
    return TableRow((name, percent(change.a), percent(change.b), difference, reach), best=bold)
