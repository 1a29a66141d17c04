"""From the records of a method to a row of a table: means over seeds, and which one is best.

Means are computed where they are shown and stored nowhere.
"""

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from wsss_leaderboard.published import Figure
from wsss_leaderboard.records import Record
from wsss_leaderboard.table import NOTHING, Column, Kind, Row, Table

FAILED = "failed"
T = TypeVar("T")


@dataclass(frozen=True)
class Measure(Generic[T]):
    """A column of numbers, read from the masks or the segmentation of each seed.

    The best of one that is not ``ranked`` is not looked for.
    """

    name: str
    read: Callable[[T], float | None]
    scale: float = 100
    digits: int = 1
    lower_is_better: bool = False
    ranked: bool = True

    def values(self, found: Sequence[T]) -> list[float]:
        """The number of every seed; empty if one of them has none."""
        values = [self.read(item) for item in found]
        known = [self.scale * value for value in values if value is not None]
        return known if len(known) == len(values) else []

    def text(self, found: Sequence[T]) -> str:
        """The number, or mean and standard deviation over seeds."""
        values = self.values(found)
        if not values:
            return NOTHING
        mean = f"{statistics.mean(values):.{self.digits}f}"
        return mean if len(values) == 1 else f"{mean} ±{statistics.stdev(values):.{self.digits}f}"

    def rank(self, found: Sequence[T]) -> float | None:
        """The mean as it is printed; higher is better."""
        values = self.values(found)
        sign = -1 if self.lower_is_better else 1
        known = values and self.ranked
        return sign * round(statistics.mean(values), self.digits) if known else None


@dataclass(frozen=True)
class Line(Generic[T]):
    """A row to be: a method's records, words, and what its numbers are read from.

    The best is looked for among the lines of the same ``league``.
    """

    group: Sequence[Record]
    words: tuple[str, ...]
    found: Sequence[T]
    figure: Figure | None = None
    league: str = ""

    @property
    def complete(self) -> bool:
        return len(self.found) == len(self.group)

    @property
    def kind(self) -> Kind:
        if any(record.sup == "F." for record in self.group):
            return "bound"
        return "control" if self.group[0].control else "method"


def assemble(
    title: str,
    heads: tuple[str, ...],
    lines: Sequence[Line[T]],
    measures: Sequence[Measure[T]],
    notes: Sequence[str],
) -> Table:
    """The table of the lines; published figures get a column if there are any."""
    figures = [line.figure for line in lines if line.figure]
    columns = [Column(head, words=True) for head in heads]
    columns += [Column(measure.name) for measure in measures]
    columns += [Column("published")] if figures else []
    best = {league: _best(measures, lines, league) for league in {x.league for x in lines}}
    rows = []
    for place, line in enumerate(lines):
        cells = [*line.words, *_numbers(line, measures)]
        cells += [line.figure.cell if line.figure else NOTHING] if figures else []
        bold = frozenset(len(heads) + n for p, n in best[line.league] if p == place)
        rows.append(Row(tuple(cells), line.kind, bold))
    return Table(title, tuple(columns), tuple(rows), (*notes, *(f.note for f in figures)))


def _numbers(line: Line[T], measures: Sequence[Measure[T]]) -> list[str]:
    if not line.complete:
        return [FAILED, *[NOTHING] * (len(measures) - 1)]
    return [measure.text(line.found) for measure in measures]


def _best(
    measures: Sequence[Measure[T]], lines: Sequence[Line[T]], league: str
) -> set[tuple[int, int]]:
    """Line and measure of each best number, all that print the same; methods alone count."""
    rivals = [(p, x) for p, x in enumerate(lines) if x.league == league and x.kind == "method"]
    best = set()
    for number, measure in enumerate(measures):
        ranks = {p: measure.rank(line.found) for p, line in rivals if line.complete}
        known = [rank for rank in ranks.values() if rank is not None]
        if len(known) > 1:
            best |= {(p, number) for p, rank in ranks.items() if rank == max(known)}
    return best
