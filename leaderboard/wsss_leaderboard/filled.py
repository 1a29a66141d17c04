"""A table file filled with what was measured, beside what others published."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from wsss_harness.errors import ConfigError
from wsss_leaderboard import notes
from wsss_leaderboard.comparable import check_comparable
from wsss_leaderboard.entries import kind_of
from wsss_leaderboard.lines import FAILED, Measure
from wsss_leaderboard.pairs import Family, paired, same
from wsss_leaderboard.published import Figure, check_alike, notes_of, published
from wsss_leaderboard.records import Record, distinct
from wsss_leaderboard.table import NOTHING, Column, Kind, Row, Table
from wsss_leaderboard.tablefiles import JOINT, ColumnOf, RowOf, TableFile
from wsss_leaderboard.tables import FAILURES, MASKS, VAL, by_method, controls_note, rule_of

OF_MASKS: Mapping[str, Measure[Any]] = {one.name: one for one in (*MASKS, *FAILURES)}
OF_SEGMENTORS: Mapping[str, Measure[Any]] = {"mIoU": VAL[0]}
RAISED = "⁰¹²³⁴⁵⁶⁷⁸⁹"


@dataclass(frozen=True)
class Cell:
    """``value`` is its number as it is printed; of two, the one of higher ``rank`` is better.

    ``records`` or a ``figure`` say where it comes from, ``left_out`` why a figure is not shown.
    """

    text: str = NOTHING
    value: float | None = None
    rank: float | None = None
    digits: int = 1
    records: tuple[Record, ...] = ()
    figure: Figure | None = None
    left_out: str = ""

    def less(self, other: "Cell") -> "Cell":
        """With its difference from the other in brackets, where both have a number."""
        if self.value is None or other.value is None:
            return self
        return replace(self, text=f"{self.text} ({self.value - other.value:+.{self.digits}f})")


@dataclass(frozen=True)
class Line:
    """A row to be; places of the best and the second best are found among several."""

    kind: Kind
    cells: tuple[Cell, ...]


def fill(asked: TableFile, records: Sequence[Record]) -> Table:
    """The table, from records of one dataset and protocol; without any it has figures alone.

    Raises:
        ConfigError: the records, or the figures of one column, may not share a table.
    """
    check_comparable(records)
    source = Source.of(asked, records)
    lines = [source.line(row) for row in source.rows()]
    figures = [
        [c.figure for c in cells if c.figure]
        for cells in zip(*(x.cells for x in lines), strict=True)
    ]
    for column in figures:
        check_alike(column)
    best, second = (places(lines, asked, nth) for nth in range(2))
    rows = tuple(
        Row(
            tuple(cell.text for cell in line.cells),
            line.kind,
            frozenset(place for row, place in best if row == number),
            frozenset(place for row, place in second if row == number),
        )
        for number, line in enumerate(lines)
    )
    columns = tuple(Column(c.head + source.reference(c), bool(c.words)) for c in asked.columns)
    below = (*source.notes(lines), *notes_of(f for column in figures for f in column))
    return Table(asked.title, columns, rows, below, asked.label)


@dataclass(frozen=True)
class Source:
    """What the cells of a table are read from: the records of each method, and its partners."""

    asked: TableFile
    records: Sequence[Record]
    groups: Mapping[str, Sequence[Record]]
    families: Mapping[str, Family]

    @classmethod
    def of(cls, asked: TableFile, records: Sequence[Record]) -> "Source":
        check_classes(asked, records)
        groups = by_method(records)
        families = {family.plain[0].method: family for family in paired(groups)}
        return cls(asked, records, {group[0].method: group for group in groups}, families)

    def rows(self) -> Iterator[RowOf]:
        """The rows of the file, or all; below those of masks stand the control rows."""
        yield from self.asked.rows or self._all()
        if not self.asked.of_segmentors:
            named = {row.method for row in self.asked.rows}
            controls = [method for method, group in self.groups.items() if group[0].control]
            yield from (RowOf(method=method) for method in controls if method not in named)

    def _all(self) -> Iterator[RowOf]:
        """Every method, but for those that stand in a column beside the method alone."""
        chains = {tuple(c.refiner.split(JOINT)) for c in self.asked.columns if c.refiner}
        families = self.families.values()
        beside = [g[0].method for f in families for c, g in f.refined.items() if c in chains]
        for method, group in self.groups.items():
            if group[0].control or method in beside:
                continue
            if self.asked.of_masks:
                yield RowOf(method=method)
            if self.asked.of_segmentors:
                labels = group[0].recipe["segmentors"]
                yield from (RowOf(method=method, segmentor=label) for label in labels)

    def line(self, row: RowOf) -> Line:
        columns = self.asked.columns
        heads = [column.head for column in columns]
        cells = [self.cell(row, column) for column in columns]
        compared = [
            cell.less(cells[heads.index(column.less)]) if column.less else cell
            for cell, column in zip(cells, columns, strict=True)
        ]
        group = self.groups.get(row.method)
        known = any(cell.figure for cell in cells) and not any(cell.records for cell in cells)
        kind = kind_of(group) if group else "published" if known else "method"
        return Line(kind, tuple(compared))

    def cell(self, row: RowOf, column: ColumnOf) -> Cell:
        if column.words:
            return Cell(self.words(row, column.words))
        method = self.partner(row.method, column.refiner) if column.refiner else row.method
        if column.number:
            return measured(self.groups.get(method, []), row.segmentor, column.number)
        return self.figure(method, row.segmentor, column)

    def partner(self, method: str, refiner: str) -> str:
        """The row of the same generator with this refiner, or what it would be called."""
        family = self.families.get(method)
        group = family.refined.get(tuple(refiner.split(JOINT))) if family else None
        return group[0].method if group else method + JOINT + refiner

    def words(self, row: RowOf, words: str) -> str:
        group = self.groups.get(row.method)
        if words == "method":
            return (row.name or row.method) + self.chosen(group) + self.reference(row)
        if words == "seg":
            return row.segmentor or "masks"
        if words == "rule":
            return rule_of(group) if group else NOTHING
        if words == "sup" and group:
            return group[0].sup
        figures = (f for f in published().figures if f.method == row.method)
        return next((getattr(figure, words) for figure in figures), NOTHING)

    def chosen(self, group: Sequence[Record] | None) -> str:
        """The mark of a threshold that was chosen on truth, where no column has the rule."""
        shown = any(column.words == "rule" for column in self.asked.columns)
        found = [record.masks.chosen_on for record in group or () if record.masks]
        return "" if shown or not found else notes.CHOSEN[found[0]]

    def figure(self, method: str, segmentor: str, column: ColumnOf) -> Cell:
        split = column.split or ("val" if segmentor else "train")
        place = (column.figure, self.asked.dataset, split)
        for one in published().named(method, segmentor):
            if (one.kind, one.dataset, one.split) == place:
                if unlike := self.unlike(one):
                    return Cell(left_out=f"{one.kind} {one.cell} of {method}: {unlike}")
                return Cell(one.cell, one.value, figure=one)
        return Cell()

    def unlike(self, figure: Figure) -> str:
        """In what a figure was measured otherwise than the records; empty if in nothing known."""
        splits = published().datasets[figure.dataset].splits
        there = splits["val" if figure.segmentor else figure.split]
        for record in self.records:
            protocol = record.protocol
            here = protocol.val_images if figure.segmentor else protocol.images
            if here != there:
                return f"{there:,} images there, {here:,} here"
            for name, ours in segmented(record, figure.segmentor).items():
                theirs = getattr(figure, name)
                if theirs and ours != theirs:
                    return f"{name} '{theirs}' there, '{ours}' here"
        return ""

    def reference(self, part: ColumnOf | RowOf) -> str:
        """The number of its footnote, raised; empty without one."""
        if not part.footnote:
            return ""
        return raised(list(self.asked.footnotes).index(part.footnote) + 1)

    def notes(self, lines: Sequence[Line]) -> Iterator[str]:
        """Footnotes of the file, then those that rows and cells ask for."""
        asked, cells = self.asked, [cell for line in lines for cell in line.cells]
        for number, text in enumerate(asked.footnotes.values(), 1):
            yield f"{raised(number)} {text}"
        if any(column.words == "sup" for column in asked.columns):
            yield notes.SUP
        used = list({id(r): r for cell in cells for r in cell.records}.values())
        yield from self._measured(used)
        if any(line.kind == "published" for line in lines):
            yield "§ published by others and not measured here; never marked as best."
        if any(cell.figure and cell.figure.confidence == "unverified" for cell in cells):
            yield "? often quoted, not seen at a source."
        yield from dict.fromkeys(f"Left out, {cell.left_out}." for cell in cells if cell.left_out)

    def _measured(self, used: Sequence[Record]) -> Iterator[str]:
        """What is to be known of the records that are shown."""
        if not used:
            if self.asked.suite:
                yield f"Nothing of this was measured: run the suite {self.asked.suite}."
            return
        yield from self._targets(used[0])
        pairs = [f"{c.head} less {c.less}" for c in self.asked.columns if c.less]
        yield from [f"In brackets: {'; '.join(pairs)}."] if pairs else []
        yield from rules(self.families.values(), used)
        yield from notes.chosen(used)
        yield from notes.packs(used)
        yield from notes.kinds(used)
        yield from notes.weights(used)
        yield from controls_note(self.records) if self.asked.of_segmentors else []
        yield from notes.common(used)

    def _targets(self, record: Record) -> Iterator[str]:
        protocol = record.protocol
        if self.asked.of_masks:
            yield f"Masks: mIoU in percent on {protocol.images:,} train images."
        if self.asked.of_segmentors:
            yield (
                f"Segmentors: mIoU in percent on {protocol.val_images:,} val images, by "
                "mmsegmentation, with the weights of the last iteration."
            )


def check_classes(asked: TableFile, records: Sequence[Record]) -> None:
    """ConfigError if the records are not of the dataset that the file names."""
    if not asked.dataset:
        return
    known = {"background", *published().datasets[asked.dataset].classes}
    for record in records:
        if record.masks and set(record.masks.score.iou) != known:
            raise ConfigError(
                f"'{record.method}' was measured on other classes than those of {asked.dataset}; "
                "unlike data never share a table: give results on this dataset"
            )


def measured(group: Sequence[Record], segmentor: str, name: str) -> Cell:
    """A number of the records of a method, of its masks or of a segmentor."""
    measure = (OF_SEGMENTORS if segmentor else OF_MASKS).get(name)
    aims = group and (not segmentor or segmentor in group[0].recipe["segmentors"])
    if measure is None or not aims:
        return Cell()
    runs = distinct(group, segmentor)
    found: list[Any] = [run.masks for run in runs if run.masks]
    if segmentor:
        found = [s for run in runs for s in run.segmentations if s.segmentor == segmentor]
    if len(found) < len(runs):
        return Cell(FAILED, records=tuple(group))
    rank = measure.rank(found)
    value = None if rank is None else abs(rank)
    return Cell(measure.text(found), value, rank, measure.digits, tuple(group))


def segmented(record: Record, label: str) -> dict[str, str]:
    """What a segmentor started from and whether a CRF followed, as far as its steps say."""
    found = {}
    for step in record.steps if label else ():
        if step.stage.startswith(f"segment {label} on ") and "weights" in step.options:
            found["init"] = str(step.options["weights"]["trained_on"])
        if step.stage.startswith(f"predict {label} on ") and "crf" in step.options:
            found["crf"] = "no" if step.options["crf"] == "none" else "yes"
    return found


def rules(families: Iterable[Family], used: Sequence[Record]) -> Iterator[str]:
    """Which background rules stand beside each other, where they are not the same."""
    shown = {record.method for record in used}
    for family in families:
        groups = [group for group in family.groups if group[0].method in shown]
        if not all(same(group, family.plain, "rule") for group in groups):
            each = ", ".join(f"{group[0].method} {rule_of(group)}" for group in groups)
            yield f"Background rules: {each}."


def places(lines: Sequence[Line], asked: TableFile, nth: int) -> set[tuple[int, int]]:
    """Row and column of the numbers that are best (0) or second (1) among their rivals.

    Equal ones share a place. Only what was measured of methods counts.
    """
    among = (asked.bold, asked.underline)[nth]
    within = [place for place, c in enumerate(asked.columns) if c.head in asked.within]
    rivals: dict[object, dict[tuple[int, int], float]] = {}
    for number, line in enumerate(lines):
        words = tuple(line.cells[place].text for place in within)
        for place, cell in enumerate(line.cells):
            if line.kind == "method" and cell.rank is not None:
                league = number if among == "row" else (place, words)
                rivals.setdefault(league, {})[number, place] = cell.rank
    if among == "none":
        return set()
    return {key for ranks in rivals.values() for key in nth_of(ranks, nth)}


def nth_of(ranks: Mapping[tuple[int, int], float], nth: int) -> list[tuple[int, int]]:
    """The keys of the best (0) or second best (1) value; none if nothing is compared."""
    values = sorted(set(ranks.values()), reverse=True)
    if len(ranks) < 2 or len(values) <= nth:
        return []
    return [key for key, value in ranks.items() if value == values[nth]]


def raised(number: int) -> str:
    return "".join(RAISED[int(digit)] for digit in str(number))
