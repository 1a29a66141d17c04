"""`wsss diff A B`: finds the rows and shows their comparison as tables."""

import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from rich.console import Console

from wsss_harness.suite.results import doubts
from wsss_leaderboard.comparison.comparison import (
    Change,
    Comparison,
    Setting,
    TargetChange,
    compare,
)
from wsss_leaderboard.comparison.row_names import folders_of, full_names, peers_of, runs_of
from wsss_leaderboard.ranking.ranking import Scope
from wsss_leaderboard.tables.table import NOTHING, Column, Table, TableRow, percent

SHOWN = 3  # classes and images that are printed, those that matter most
SETTINGS = 8  # settings that are printed
TITLE, MIOU = "Settings that differ", "mIoU"  # of tables
FEW = 5  # images below which a difference is said to rest on few
LONG = 60  # characters of a value


def print_difference(
    a: str, b: str, store: Path, anyway: bool, console: Console, as_json: bool, every: bool = False
) -> None:
    """Print how two rows differ, and by how much; ``every`` class, setting and image, or a few.

    Raises:
        ConfigError, DataError: A or B names no row, or they were measured differently.
    """
    names = full_names((a, b), store)
    runs_a, runs_b = (runs_of(name, store) for name in names)
    for doubt in doubts(folders_of(names, store)):
        print(doubt, file=sys.stderr)
    comparison = compare(runs_a, runs_b, peers_of((runs_a, runs_b), names, store), anyway)
    if as_json:
        console.print_json(json.dumps(comparison.json(), allow_nan=False))
        return
    console.print(f"A: {comparison.a}\nB: {comparison.b}\n", highlight=False, markup=False)
    for table in tables_of(comparison):
        shown = table if every else beginning(table, SETTINGS if table.title == TITLE else SHOWN)
        console.print(shown)


def tables_of(comparison: Comparison) -> Iterator[Table]:
    """Tables of what differs: mIoU, then what explains it, and which images matter most."""
    yield miou_table(comparison)
    for target in comparison.targets:
        if target.classes:
            yield class_table(target)
    yield settings_table(comparison.settings)
    for target in comparison.targets:
        if target.images:
            yield image_table(target)


def beginning(table: Table, length: int) -> Table:
    """The first rows of a table, with a note on how many are left out."""
    left = len(table.rows) - length
    if left <= 0 or table.title == MIOU:
        return table
    notes = (f"{left} more: --all.", *table.notes)
    return replace(table, rows=table.rows[:length], notes=notes)


def settings_table(settings: Sequence[Setting]) -> Table:
    rows = [
        TableRow((setting.part, setting.name, _text(setting.a), _text(setting.b)))
        for setting in sorted(settings, key=lambda setting: setting.part == "source code")
    ]
    heads = ("part", "setting", "A", "B")
    notes = () if rows else ("No setting differs.",)
    columns = tuple(Column(head, words=True) for head in heads)
    return Table(TITLE, columns, tuple(rows), notes)


def _text(value: Any) -> str:
    """A value as text; NOTHING for one that a side does not have."""
    if value is None:
        return NOTHING
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= LONG else f"{text[: LONG - 3]}..."


def miou_table(comparison: Comparison) -> Table:
    targets = comparison.targets
    rows = [_row(_target(target), target.miou, target) for target in targets]
    notes = [f"Measured differently, so nothing is paired: {'; '.join(comparison.unlike)}."]
    if not comparison.unlike:
        spreads = (note for target in targets for note in target.spread)
        notes = [PAIRED, *_uncovered(targets), *_rests(targets), *spreads]
    return Table(MIOU, _columns("target"), tuple(rows), tuple(notes))


PAIRED = (
    "B - A with its 95 % interval over scored images and seeds; paired by both. The spread over "
    "seeds is that of all rows of these results. Bold: the interval excludes 0."
)
UNCOVERED: dict[Scope, str] = {
    "images": "Neither row has several seeds of {targets}: the interval covers images alone, so a "
    "difference may be luck and is not bold.",
    "parts": "Neither row repeats its generator for {targets}: the interval covers images and the "
    "seeds of a part, so a difference may be luck and is not bold.",
}


def _uncovered(targets: Sequence[TargetChange]) -> Iterator[str]:
    """What the intervals of some targets leave out."""
    for scope, note in UNCOVERED.items():
        names = [_target(t) for t in targets if t.miou.reach is not None and t.scope == scope]
        if names:
            yield note.format(targets=", ".join(names))


def _rests(targets: Sequence[TargetChange]) -> Iterator[str]:
    """Which differences rest on few of the scored images."""
    for target in targets:
        if target.rests_on is not None and target.rests_on < FEW:
            yield (
                f"The difference of {_target(target)} rests on about {target.rests_on:.0f} of the "
                "scored images, so its interval is wide."
            )


def class_table(target: TargetChange) -> Table:
    rows = tuple(_row(change.name, change, target) for change in target.classes)
    return Table(f"IoU of classes, {_target(target)}", _columns("class"), rows)


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


def _row(name: str, change: Change, target: TargetChange) -> TableRow:
    difference = NOTHING if change.difference is None else f"{100 * change.difference:+.1f}"
    reach = NOTHING if change.reach is None else f"±{100 * change.reach:.1f}"
    bold = frozenset({3}) if target.told_apart(change) else frozenset[int]()
    return TableRow((name, percent(change.a), percent(change.b), difference, reach), best=bold)
