"""From the records of a method to a row of a table: means over seeds, and which one is best.

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
from wsss_leaderboard.tables.rows import NOTHING, Column, TableRow
from wsss_leaderboard.tables.table import Table

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
class MethodRow(Generic[T]):
    """A row to be: a method's records, words, and what its numbers are read from.

    ``league`` is its target, a segmentor or "" for the masks: the best is looked for in it.
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
        return kind_of(self.group)


Beside = tuple[str, Callable[[Standing], str]]  # a column, and what it says of a standing

BESIDE: tuple[Beside, ...] = (
    ("95 %", lambda one: f"±{100 * one.place.reach:.1f}" if one.place else NOTHING),
    ("ranks", lambda one: one.place.ranks if one.place and one.place.best else NOTHING),
    ("tie", lambda one: str(one.place.group) if one.place and one.place.group else NOTHING),
    ("gap", lambda one: f"{100 * one.gap:.0f}" if one.gap is not None else NOTHING),
)


def assemble(
    title: str,
    heads: tuple[str, ...],
    lines: Sequence[MethodRow[T]],
    measures: Sequence[Measure[T]],
    notes: Sequence[str],
    standings: Standings = NONE,
) -> Table:
    """The table of the lines; published figures get a column if there are any.

    What is known of the standing of a line stands beside its first measure. Where ranks are known,
    the whole first tie group is best in it.
    """
    found = [standings.of(line.league, line.group[0].method) for line in lines]
    beside = _told(found)
    figures = [line.figure for line in lines if line.figure]
    columns = [Column(head, words=True) for head in heads]
    names = [measure.name for measure in measures]
    columns += [Column(name) for name in (*names[:1], *(name for name, _ in beside), *names[1:])]
    columns += [Column("published")] if figures else []
    best = _best(measures, lines, found)
    rows = []
    for place, (line, standing) in enumerate(zip(lines, found, strict=True)):
        first, *others = _numbers(line, measures)
        told = [read(standing) if standing else NOTHING for _, read in beside]
        cells = [*line.words, first, *told, *others]
        cells += [line.figure.cell if line.figure else NOTHING] if figures else []
        at = {n: len(heads) + n + (len(beside) if n else 0) for p, n in best if p == place}
        rows.append(TableRow(tuple(cells), line.kind, frozenset(at.values())))
    return Table(title, tuple(columns), tuple(rows), (*notes, *(f.note for f in figures)))


def _told(found: Sequence[Standing | None]) -> list[Beside]:
    """Those columns beside that say something of one line at least."""
    known = [standing for standing in found if standing]
    return [(name, read) for name, read in BESIDE if any(read(one) != NOTHING for one in known)]


def _numbers(line: MethodRow[T], measures: Sequence[Measure[T]]) -> list[str]:
    if not line.complete:
        return [FAILED, *[NOTHING] * (len(measures) - 1)]
    return [measure.text(line.found) for measure in measures]


def _best(
    measures: Sequence[Measure[T]], lines: Sequence[MethodRow[T]], found: Sequence[Standing | None]
) -> set[tuple[int, int]]:
    """Line and measure of each best number; methods alone count, against those of their league."""
    best = set()
    for league in {line.league for line in lines}:
        rivals = [p for p, x in enumerate(lines) if x.league == league and x.kind == "method"]
        finished = [place for place in rivals if lines[place].complete]
        for number, measure in enumerate(measures):
            ranks = {p: measure.rank(lines[p].found) for p in finished}
            places = {p: one.place for p in finished if number == 0 and (one := found[p])}
            best |= {(place, number) for place in _first(ranks, places)}
    return best


def _first(ranks: Mapping[int, float | None], places: Mapping[int, Place | None]) -> list[int]:
    """The lines of the first tie group; without places all that print the same best number."""
    known = {p: rank for p, rank in ranks.items() if rank is not None}
    if len(known) < 2:
        return []
    groups = {p: place.group for p in known if (place := places.get(p))}
    if len(groups) == len(known):
        return [p for p, group in groups.items() if group == 1]
    return [p for p, rank in known.items() if rank == max(known.values())]
