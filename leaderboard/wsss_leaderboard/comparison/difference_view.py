"""`wsss diff A B`: which rows are meant, and the comparison as tables."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console

from wsss_harness.contract.errors import ConfigError
from wsss_harness.store.layout import RECORDS, RESULTS
from wsss_leaderboard.comparison.comparison import (
    Change,
    Comparison,
    Setting,
    TargetChange,
    compare,
)
from wsss_leaderboard.ranking import entries
from wsss_leaderboard.ranking.entries import LoadedRecord
from wsss_leaderboard.tables.rows import NOTHING, Column, TableRow
from wsss_leaderboard.tables.table import Table

CLASSES = 10  # that are printed, those that differ most
LONG = 60  # letters of a value


def print_difference(
    a: str, b: str, store: Path, anyway: bool, console: Console, as_json: bool
) -> None:
    """Print in what two rows differ, and by how much.

    Raises:
        ConfigError, DataError: A or B names no row, or they were measured differently.
    """
    found = compare(found_by(a, store), found_by(b, store), anyway)
    if as_json:
        console.print_json(json.dumps(found.json(), allow_nan=False))
        return
    console.print(f"A: {found.a}\nB: {found.b}\n", highlight=False, markup=False)
    for table in tables_of(found):
        console.print(table)


def found_by(name: str, store: Path) -> tuple[LoadedRecord, ...]:
    """The runs that are meant by the file of a record, or by RESULTS:METHOD.

    RESULTS is a suite, the name of its results in the store, or a folder of results.

    Raises:
        ConfigError: it is none of them, or there is no such method; names those that there are.
    """
    if name.endswith(".json"):
        return (entries.load_file(Path(name)),)
    place, _, method = name.partition(":")
    if not method:
        raise ConfigError(
            f"'{name}' names no row; give the file of a record, or RESULTS:METHOD, as "
            "railscenes:EPS, with a suite, the name of its results or their folder"
        )
    found = entries.load([folder_of(place, store)])
    named = [run for run in found if run.record.method == method]
    if not named:
        known = dict.fromkeys(run.record.method for run in found)
        raise ConfigError(f"{place} has no row '{method}'; rows: {', '.join(map(repr, known))}")
    return tuple(named)


def folder_of(place: str, store: Path) -> Path:
    """The folder of results that is meant."""
    if (Path(place) / RECORDS).is_dir():
        return Path(place)
    return store / RESULTS / Path(place).stem


def tables_of(found: Comparison) -> Iterator[Table]:
    """What differs as tables: settings, mIoU, then classes and images of each target."""
    yield settings_table(found.settings)
    yield miou_table(found)
    for target in found.targets:
        if target.classes:
            yield class_table(target)
        if target.images:
            yield image_table(target)


def settings_table(settings: Sequence[Setting]) -> Table:
    rows = [
        TableRow((one.part, one.name, _text(one.a), _text(one.b)))
        for one in sorted(settings, key=lambda one: one.part == "source code")
    ]
    heads = ("part", "setting", "A", "B")
    below = () if rows else ("No setting differs.",)
    columns = tuple(Column(head, words=True) for head in heads)
    return Table("Settings that differ", columns, tuple(rows), below)


def _text(value: Any) -> str:
    """A value in a line; NOTHING for one that a side does not have."""
    if value is None:
        return NOTHING
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= LONG else f"{text[: LONG - 3]}..."


def miou_table(found: Comparison) -> Table:
    rows = [_row(_target(one), one.miou, one.seeds) for one in found.targets]
    below = [
        "B - A with its 95 % interval, of images and, as far as runs tell, of seeds; paired by "
        "both. Bold if 0 lies outside."
    ]
    if found.unlike:
        below = [f"Measured differently, so nothing is paired: {'; '.join(found.unlike)}."]
    alone = [_target(one) for one in found.targets if one.miou.reach is not None and not one.seeds]
    if alone:
        below.append(
            f"Neither row has several seeds of {', '.join(alone)}: the interval is of the images "
            "alone, a difference may be luck, and none is bold."
        )
    spread = (note for target in found.targets for note in target.spread)
    return Table("mIoU", _columns("target"), tuple(rows), (*below, *spread))


def class_table(target: TargetChange) -> Table:
    shown = target.classes[:CLASSES]
    left = len(target.classes) - len(shown)
    below = (f"{left} classes that differ less are left out.",) if left else ()
    rows = tuple(_row(change.name, change, target.seeds) for change in shown)
    return Table(f"IoU of classes, {_target(target)}", _columns("class"), rows, below)


def image_table(target: TargetChange) -> Table:
    columns = [Column("image", words=True), *map(Column, ("wrong in A", "in B", "B - A", "moves"))]
    rows = [
        TableRow(
            (
                one.image_id,
                f"{100 * one.a:.1f}",
                f"{100 * one.b:.1f}",
                f"{100 * (one.b - one.a):+.1f}",
                f"{100 * one.influence:+.3f}",
            )
        )
        for one in target.images
    ]
    below = (
        "wrong: % of its pixels. moves: points of mIoU that the image adds to B - A, against what "
        "images add on average.",
    )
    return Table(f"Images that matter most, {_target(target)}", tuple(columns), tuple(rows), below)


def _target(one: TargetChange) -> str:
    return one.target or "pseudo-masks"


def _columns(first: str) -> tuple[Column, ...]:
    return (Column(first, words=True), *map(Column, ("A", "B", "B - A", "95 %")))


def _row(name: str, change: Change, seeds: bool) -> TableRow:
    numbers = [_percent(value) for value in (change.a, change.b)]
    difference = NOTHING if change.difference is None else f"{100 * change.difference:+.1f}"
    reach = NOTHING if change.reach is None else f"±{100 * change.reach:.1f}"
    bold = frozenset({3}) if change.told_apart and seeds else frozenset[int]()
    return TableRow((name, *numbers, difference, reach), best=bold)


def _percent(value: float | None) -> str:
    return NOTHING if value is None else f"{100 * value:.1f}"
