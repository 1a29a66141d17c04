"""The cells of a table file: where each comes from, and which are best."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from wsss_leaderboard.ranking.entries import Kind
from wsss_leaderboard.records.published import Figure
from wsss_leaderboard.records.record import Record, distinct
from wsss_leaderboard.tables.builtin import ANATOMY, FAILURES, MASKS, VAL
from wsss_leaderboard.tables.measures import FAILED, Measure
from wsss_leaderboard.tables.rows import NOTHING
from wsss_leaderboard.tables.tablefiles import TableFile

Numbers = dict[str, Measure[Any]]
CAUSES: Numbers = {measure.name: measure for measure in ANATOMY}
OF_MASKS: Numbers = {measure.name: measure for measure in (*MASKS, *FAILURES, *ANATOMY)}
OF_SEGMENTORS: Numbers = {"mIoU": VAL[0], **CAUSES}


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


@dataclass(frozen=True)
class FilledRow:
    """A row of masks ("") or of the segmentor that ``target`` names."""

    target: str
    kind: Kind
    cells: tuple[Cell, ...]


def measured(group: Sequence[Record], segmentor: str, name: str) -> Cell:
    """A number of the records of a method, of its masks or of a segmentor."""
    measure = (OF_SEGMENTORS if segmentor else OF_MASKS).get(name)
    has_target = group and (not segmentor or segmentor in group[0].recipe["segmentors"])
    if measure is None or not has_target:
        return Cell()
    runs = distinct(group, segmentor)
    items: list[Any] = [run.masks for run in runs if run.masks]
    if segmentor:
        items = [s for run in runs for s in run.segmentations if s.segmentor == segmentor]
    if len(items) < len(runs):
        return Cell(FAILED, records=tuple(group))
    rank = measure.rank(items)
    value = None if rank is None else abs(rank)
    return Cell(measure.text(items), value, rank, measure.digits, records=tuple(group))


def places(rows: Sequence[FilledRow], spec: TableFile, nth: int) -> set[tuple[int, int]]:
    """Row and column of the numbers that are best (0) or second (1) among their rivals.

    Only numbers that were measured of methods count. Equal ones share a place, and so do those of
    one tie group where the groups of all rivals are known.
    """
    among = (spec.bold, spec.underline)[nth]
    within = [place for place, c in enumerate(spec.columns) if c.head in spec.within]
    rivals: dict[object, dict[tuple[int, int], Cell]] = {}
    for number, row in enumerate(rows):
        words = tuple(row.cells[place].text for place in within)
        for place, cell in enumerate(row.cells):
            if row.kind == "method" and cell.rank is not None:
                league = number if among == "row" else (place, words)
                rivals.setdefault(league, {})[number, place] = cell
    if among == "none":
        return set()
    return {key for cells in rivals.values() for key in nth_of(cells, nth)}


def nth_of(cells: Mapping[tuple[int, int], Cell], nth: int) -> list[tuple[int, int]]:
    """The keys of the best (0) or second best (1) cells; none if nothing is compared."""
    groups = {key: -cell.group for key, cell in cells.items() if cell.group}
    ranks = groups if len(groups) == len(cells) else {k: c.rank or 0 for k, c in cells.items()}
    values = sorted(set(ranks.values()), reverse=True)
    if len(cells) < 2 or len(values) <= nth:
        return []
    return [key for key, value in ranks.items() if value == values[nth]]
