"""From methods and measures to a table: its columns, and which cells are best.

Means are computed where they are shown and stored nowhere.
"""

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from wsss_leaderboard.ranking.entries import Kind, kind_of
from wsss_leaderboard.ranking.ranking import Place
from wsss_leaderboard.ranking.standings import NONE, Standing, Standings
from wsss_leaderboard.records.published import Figure
from wsss_leaderboard.records.record import Record
from wsss_leaderboard.tables.table import NOTHING, Column, Table, TableRow

FAILED = "failed"
T = TypeVar("T")


@dataclass(frozen=True)
class Measure(Generic[T]):
    """A column of numbers, read from the masks or the segmentation of each seed.

    No best one is marked unless it is ``ranked``.
    """

    name: str
    read: Callable[[T], float | None]
    scale: float = 100
    digits: int = 1
    lower_is_better: bool = False
    ranked: bool = True

    def values(self, items: Sequence[T]) -> list[float]:
        """The number of every seed; empty if one of them has none."""
        values = [self.read(item) for item in items]
        numbers = [self.scale * value for value in values if value is not None]
        return numbers if len(numbers) == len(values) else []

    def text(self, items: Sequence[T]) -> str:
        """The number, or mean and standard deviation over seeds."""
        values = self.values(items)
        if not values:
            return NOTHING
        mean = f"{statistics.mean(values):.{self.digits}f}"
        return mean if len(values) == 1 else f"{mean} ±{statistics.stdev(values):.{self.digits}f}"

    def rank(self, items: Sequence[T]) -> float | None:
        """The mean as it is printed; higher is better."""
        values = self.values(items)
        sign = -1 if self.lower_is_better else 1
        return (
            sign * round(statistics.mean(values), self.digits) if values and self.ranked else None
        )


@dataclass(frozen=True)
class MethodRow(Generic[T]):
    """The records of a method, its words, and the ``items`` that its numbers are read from.

    ``target``: a segmentor, or "" for the masks; only rows of one target are compared.
    """

    group: Sequence[Record]
    words: tuple[str, ...]
    items: Sequence[T]
    figure: Figure | None = None
    target: str = ""

    @property
    def complete(self) -> bool:
        return len(self.items) == len(self.group)

    @property
    def kind(self) -> Kind:
        return kind_of(self.group)

    def numbers(self, measures: Sequence[Measure[T]]) -> list[str]:
        if not self.complete:
            return [FAILED, *[NOTHING] * (len(measures) - 1)]
        return [measure.text(self.items) for measure in measures]


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
    rows: Sequence[MethodRow[T]],
    measures: Sequence[Measure[T]],
    notes: Sequence[str],
    standings: Standings = NONE,
) -> Table:
    """The table of these rows; published figures get a column if there are any.

    Columns of standings follow the first measure. Where ranks are known, its best are the whole
    first tie group.
    """
    placed = [standings.of(row.target, row.group[0].method) for row in rows]
    extra = _standing_columns(placed)
    figures = [row.figure for row in rows if row.figure]
    first_name, *other_names = (measure.name for measure in measures)
    names = [first_name, *(name for name, _ in extra), *other_names]
    names += ["published"] if figures else []
    columns = (*(Column(head, words=True) for head in heads), *map(Column, names))
    best = _best(measures, rows, placed)
    table_rows = []
    for number, (row, standing) in enumerate(zip(rows, placed, strict=True)):
        first, *others = row.numbers(measures)
        texts = [read(standing) if standing else NOTHING for _, read in extra]
        cells = [*row.words, first, *texts, *others]
        cells += [row.figure.cell if row.figure else NOTHING] if figures else []
        marked = {len(heads) + m + (len(extra) if m else 0) for n, m in best if n == number}
        table_rows.append(TableRow(tuple(cells), row.kind, frozenset(marked)))
    return Table(title, columns, tuple(table_rows), (*notes, *(f.note for f in figures)))


def _standing_columns(placed: Sequence[Standing | None]) -> list[StandingColumn]:
    """The columns of standings that are not empty."""
    known = [standing for standing in placed if standing]
    return [
        (name, read)
        for name, read in STANDING_COLUMNS
        if any(read(standing) != NOTHING for standing in known)
    ]


def _best(
    measures: Sequence[Measure[T]],
    rows: Sequence[MethodRow[T]],
    placed: Sequence[Standing | None],
) -> set[tuple[int, int]]:
    """Row and measure of each best number; only methods count, within their target."""
    best = set()
    for target in {row.target for row in rows}:
        rivals = [
            number
            for number, row in enumerate(rows)
            if row.target == target and row.kind == "method" and row.complete
        ]
        for m, measure in enumerate(measures):
            ranks = {n: measure.rank(rows[n].items) for n in rivals}
            places = {n: standing.place for n in rivals if m == 0 and (standing := placed[n])}
            best |= {(n, m) for n in _first(ranks, places)}
    return best


def _first(ranks: Mapping[int, float | None], places: Mapping[int, Place | None]) -> list[int]:
    """The rows of the first tie group; without places all that print the same best number."""
    known = {row: rank for row, rank in ranks.items() if rank is not None}
    if len(known) < 2:
        return []
    groups = {row: place.group for row in known if (place := places.get(row))}
    if len(groups) == len(known):
        return [row for row, group in groups.items() if group == 1]
    return [row for row, rank in known.items() if rank == max(known.values())]
