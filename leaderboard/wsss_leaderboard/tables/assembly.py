"""From methods and measures to a table: its cells, its columns, and which cells are best.

Means are computed where they are shown and stored nowhere.
"""

import statistics
from collections.abc import Callable, Collection, Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar

from wsss_leaderboard.ranking.entries import Kind, kind_of
from wsss_leaderboard.ranking.standings import NONE, Standing, Standings
from wsss_leaderboard.records.published import Figure
from wsss_leaderboard.records.record import Record
from wsss_leaderboard.tables.table import NOTHING, Column, Table, TableRow

FAILED = "failed"
T = TypeVar("T")
Place = tuple[int, int]  # row and column


@dataclass(frozen=True)
class Cell:
    """``value`` is its number as it is printed; of two, the one of higher ``rank`` is better.

    ``group`` is the tie group of the mIoU of a method, where it is known. ``records`` or a
    ``figure`` say where it comes from, ``left_out`` why a figure is not shown.
    """

    text: str = NOTHING
    value: float | None = None
    rank: float | None = None
    digits: int = 1
    group: int | None = None
    records: tuple[Record, ...] = ()
    figure: Figure | None = None
    left_out: str = ""

    def less(self, other: "Cell") -> "Cell":
        """With its difference from the other in brackets, where both have a number."""
        if self.value is None or other.value is None:
            return self
        return replace(self, text=f"{self.text} ({self.value - other.value:+.{self.digits}f})")

    def of_standing(self, standing: Standing | None) -> "Cell":
        """With the tie group of its method, if that is known."""
        place = standing.place if standing else None
        return replace(self, group=place.group if place else None)


@dataclass(frozen=True)
class CellRow:
    """A row of masks ("") or of the segmentor that ``target`` names."""

    target: str
    kind: Kind
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class Measure(Generic[T]):
    """A column of numbers, read from the masks or the segmentation of each seed.

    No best one is marked unless it is ``ranked``. ``spread``: the standard deviation over seeds is
    shown.
    """

    name: str
    read: Callable[[T], float | None]
    scale: float = 100
    digits: int = 1
    lower_is_better: bool = False
    ranked: bool = True
    spread: bool = True

    def cell(self, items: Sequence[T], seeds: int) -> Cell:
        """The mean and standard deviation over seeds; nothing if one of them has no number."""
        if len(items) < seeds:
            return Cell(FAILED)
        values = [self.scale * value for item in items if (value := self.read(item)) is not None]
        if not values or len(values) < seeds:
            return Cell()
        mean = statistics.mean(values)
        text = f"{mean:.{self.digits}f}"
        if self.spread and seeds > 1:
            text += f" ±{statistics.stdev(values):.{self.digits}f}"
        rank = (-1 if self.lower_is_better else 1) * round(mean, self.digits)
        return Cell(text, abs(rank), rank, self.digits) if self.ranked else Cell(text)


@dataclass(frozen=True)
class MethodRow:
    """The runs of a method on one target, and its words; only rows of one target are compared."""

    runs: Sequence[Record]
    words: tuple[str, ...]
    figure: Figure | None = None
    target: str = ""


def items_of(runs: Sequence[Record], target: str) -> list[Any]:
    """What the numbers of finished runs are read from: their masks, or their segmentations."""
    return [part for run in runs if (part := run.part(target))]


def cell_of(measure: Measure[Any], runs: Sequence[Record], target: str) -> Cell:
    """What a measure says of the runs of a method; nothing of masks that could not be scored."""
    if not target and runs and all(run.unscored for run in runs):
        return Cell()
    return measure.cell(items_of(runs, target), len(runs))


StandingColumn = tuple[str, Callable[[Standing], str]]  # its head, and what it shows of a standing

STANDING_COLUMNS: tuple[StandingColumn, ...] = (
    ("95 %", lambda s: f"±{100 * s.place.reach:.1f}" if s.place else NOTHING),
    ("ranks", lambda s: s.place.ranks if s.place and s.place.best else NOTHING),
    ("tie", lambda s: str(s.place.group) if s.place and s.place.group else NOTHING),
    ("gap", lambda s: f"{100 * s.gap:.0f}" if s.gap is not None else NOTHING),
)


def assemble(
    title: str,
    heads: tuple[str, ...],
    rows: Sequence[MethodRow],
    measures: Sequence[Measure[Any]],
    notes: Sequence[str],
    standings: Standings = NONE,
) -> Table:
    """The table of these rows; published figures get a column if there are any.

    Columns of standings follow the first measure, unless they are empty. Where ranks are known, the
    best of the first measure are the whole first tie group.
    """
    placed = [standings.of(row.target, row.runs[0].method) for row in rows]
    extra = [
        (head, read)
        for head, read in STANDING_COLUMNS
        if any(standing and read(standing) != NOTHING for standing in placed)
    ]
    figures = [row.figure for row in rows if row.figure]
    shown = [
        _cell_row(row, standing, measures, extra, bool(figures))
        for row, standing in zip(rows, placed, strict=True)
    ]
    names = [measure.name for measure in measures]
    names[1:1] = [head for head, _ in extra]
    names += ["published"] if figures else []
    columns = (*(Column(head, words=True) for head in heads), *map(Column, names))
    best = best_places(shown, lambda row, column: (rows[row].target, column))
    return Table(title, columns, table_rows(shown, best), (*notes, *(f.note for f in figures)))


def _cell_row(
    row: MethodRow,
    standing: Standing | None,
    measures: Sequence[Measure[Any]],
    extra: Sequence[StandingColumn],
    published: bool,
) -> CellRow:
    first, *others = (cell_of(measure, row.runs, row.target) for measure in measures)
    if first.text == FAILED:
        others = [Cell()] * len(others)
    texts = [read(standing) if standing else NOTHING for _, read in extra]
    cells = [*map(Cell, row.words), first.of_standing(standing), *map(Cell, texts), *others]
    cells += [Cell(row.figure.cell if row.figure else NOTHING)] if published else []
    return CellRow(row.target, kind_of(row.runs, row.target), tuple(cells))


def best_places(
    rows: Sequence[CellRow], league: Callable[[int, int], Hashable], nth: int = 0
) -> set[Place]:
    """The places of numbers that are best (0) or second (1) in their league.

    Only numbers that were measured of methods count. Equal ones share a place, and so do those of
    one tie group where the groups of all rivals are known.
    """
    rivals: dict[Hashable, dict[Place, Cell]] = {}
    for number, row in enumerate(rows):
        for column, cell in enumerate(row.cells):
            if row.kind == "method" and cell.rank is not None:
                rivals.setdefault(league(number, column), {})[number, column] = cell
    return {place for cells in rivals.values() for place in nth_of(cells, nth)}


def nth_of(cells: Mapping[Place, Cell], nth: int) -> list[Place]:
    """The places of the best (0) or second best (1) cells; none if nothing is compared."""
    groups = {place: -cell.group for place, cell in cells.items() if cell.group}
    ranks = groups if len(groups) == len(cells) else {p: c.rank or 0 for p, c in cells.items()}
    values = sorted(set(ranks.values()), reverse=True)
    if len(cells) < 2 or len(values) <= nth:
        return []
    return [place for place, value in ranks.items() if value == values[nth]]


def table_rows(
    rows: Sequence[CellRow], best: Collection[Place], second: Collection[Place] = ()
) -> tuple[TableRow, ...]:
    return tuple(
        TableRow(
            tuple(cell.text for cell in row.cells),
            row.kind,
            frozenset(column for place, column in best if place == number),
            frozenset(column for place, column in second if place == number),
        )
        for number, row in enumerate(rows)
    )
