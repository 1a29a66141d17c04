"""A table file filled with what was measured, beside what others published."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from wsss_harness.contract.errors import ConfigError
from wsss_leaderboard.ranking.entries import kind_of
from wsss_leaderboard.ranking.standings import NONE, Standings
from wsss_leaderboard.records.counts import MASKS
from wsss_leaderboard.records.published import check_alike, notes_of, published
from wsss_leaderboard.records.record import Record
from wsss_leaderboard.tables import notes
from wsss_leaderboard.tables.builtin import by_method, controls_note, rule_of
from wsss_leaderboard.tables.cells import Cell, FilledRow, measured, places
from wsss_leaderboard.tables.comparable import check_comparable
from wsss_leaderboard.tables.lines import BESIDE
from wsss_leaderboard.tables.pairs import Family, paired, same
from wsss_leaderboard.tables.rows import NOTHING, Column, TableRow
from wsss_leaderboard.tables.table import Table
from wsss_leaderboard.tables.tablefiles import JOINT, ColumnSpec, RowSpec, TableFile

OF_ALL = (
    "Tie groups are those of all methods that were measured: where fewer are compared, the best of "
    "these and what shares its group."
)
RAISED = "⁰¹²³⁴⁵⁶⁷⁸⁹"


def fill(asked: TableFile, records: Sequence[Record], standings: Standings = NONE) -> Table:
    """The table, from records of one dataset and protocol; without any it has figures alone.

    Raises:
        ConfigError: the records, or the figures of one column, may not share a table.
    """
    check_comparable(records)
    source = TableSource.of(asked, records, standings)
    lines = [source.line(row) for row in source.rows()]
    figures = [
        [c.figure for c in cells if c.figure]
        for cells in zip(*(x.cells for x in lines), strict=True)
    ]
    for column in figures:
        check_alike(column)
    best, second = (places(lines, asked, nth) for nth in range(2))
    rows = tuple(
        TableRow(
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
class TableSource:
    """What the cells of a table are read from: the records of each method, and its partners."""

    asked: TableFile
    records: Sequence[Record]
    standings: Standings
    groups: Mapping[str, Sequence[Record]]
    families: Mapping[str, Family]

    @classmethod
    def of(cls, asked: TableFile, records: Sequence[Record], standings: Standings) -> "TableSource":
        check_classes(asked, records)
        groups = {group[0].method: group for group in by_method(records)}
        families = {family.plain[0].method: family for family in paired(list(groups.values()))}
        return cls(asked, records, standings, groups, families)

    def rows(self) -> Iterator[RowSpec]:
        """The rows of the file, or all; below them the control rows of the same targets."""
        shown = self.asked.rows or tuple(self._all())
        yield from shown
        named = {row.method for row in shown}
        targets = dict.fromkeys(row.segmentor for row in shown)
        for method, group in self.groups.items():
            if group[0].control and method not in named:
                labels = [label for label in group[0].recipe["segmentors"] if label in targets]
                aims = labels if any(targets) else [MASKS]
                yield from (RowSpec(method=method, segmentor=target) for target in aims)

    def _all(self) -> Iterator[RowSpec]:
        """Every method, but for those that stand in a column beside the method alone."""
        chains = {tuple(c.refiner.split(JOINT)) for c in self.asked.columns if c.refiner}
        families = self.families.values()
        beside = [g[0].method for f in families for c, g in f.refined.items() if c in chains]
        for method, group in self.groups.items():
            if group[0].control or method in beside:
                continue
            if self.asked.lines != "segmentors":
                yield RowSpec(method=method)
            if self.asked.lines != "masks":
                labels = group[0].recipe["segmentors"]
                yield from (RowSpec(method=method, segmentor=label) for label in labels)

    def line(self, row: RowSpec) -> FilledRow:
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
        return FilledRow(row.segmentor, kind, tuple(compared))

    def cell(self, row: RowSpec, column: ColumnSpec) -> Cell:
        if column.words:
            return Cell(self.words(row, column.words))
        method = self.partner(row.method, column.refiner) if column.refiner else row.method
        standing = self.standings.of(row.segmentor, method)
        if column.standing:
            return Cell(dict(BESIDE)[column.standing](standing) if standing else NOTHING)
        if column.number:
            cell = measured(self.groups.get(method, []), row.segmentor, column.number)
            place = standing.place if standing and column.number == "mIoU" else None
            return replace(cell, group=place.group if place else None)
        return self.figure(method, row.segmentor, column)

    def partner(self, method: str, refiner: str) -> str:
        """The row of the same generator with this refiner, or what it would be called."""
        family = self.families.get(method)
        group = family.refined.get(tuple(refiner.split(JOINT))) if family else None
        return group[0].method if group else method + JOINT + refiner

    def words(self, row: RowSpec, words: str) -> str:
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

    def figure(self, method: str, segmentor: str, column: ColumnSpec) -> Cell:
        split = column.split or ("val" if segmentor else "train")
        place = (column.figure, self.asked.dataset, split)
        for one in published().named(method, segmentor):
            if (one.kind, one.dataset, one.split) == place:
                unlike = (published().unlike(one, record) for record in self.records)
                if reason := next(filter(None, unlike), ""):
                    return Cell(left_out=f"{one.kind} {one.cell} of {method}: {reason}")
                return Cell(one.cell, one.value, figure=one)
        return Cell()

    def reference(self, part: ColumnSpec | RowSpec) -> str:
        """The number of its footnote, raised; empty without one."""
        if not part.footnote:
            return ""
        return raised(list(self.asked.footnotes).index(part.footnote) + 1)

    def notes(self, lines: Sequence[FilledRow]) -> Iterator[str]:
        """Footnotes of the file, then those that rows and cells ask for."""
        asked, cells = self.asked, [cell for line in lines for cell in line.cells]
        for number, text in enumerate(asked.footnotes.values(), 1):
            yield f"{raised(number)} {text}"
        if any(column.words == "sup" for column in asked.columns):
            yield notes.SUP
        used = list({id(r): r for cell in cells for r in cell.records}.values())
        yield from self._measured(used, {line.target for line in lines})
        if any(line.kind == "published" for line in lines):
            yield "§ published by others and not measured here; never marked as best."
        if any(cell.figure and cell.figure.confidence == "unverified" for cell in cells):
            yield "? often quoted, not seen at a source."
        yield from dict.fromkeys(f"Left out, {cell.left_out}." for cell in cells if cell.left_out)

    def _measured(self, used: Sequence[Record], targets: set[str]) -> Iterator[str]:
        """What is to be known of the records that are shown."""
        if not used:
            if self.asked.suite:
                yield f"Nothing of this was measured: run the suite file {self.asked.suite}.toml."
            return
        yield from scored(used, targets)
        pairs = [f"{c.head} less {c.less}" for c in self.asked.columns if c.less]
        yield from [f"In brackets: {'; '.join(pairs)}."] if pairs else []
        yield from rules(self.families.values(), used)
        yield from notes.chosen(used)
        yield from notes.packs(used)
        yield from notes.kinds(used)
        yield from notes.weights(used)
        yield from controls_note(self.records) if any(targets) else []
        yield from self._standings(targets)
        yield from notes.common(used, min(targets))

    def _standings(self, targets: set[str]) -> Iterator[str]:
        """How marks and, where they are shown, intervals and ranks are to be read."""
        found = self.standings.notes.items()
        told = dict.fromkeys(note for target, all_ in found if target in targets for note in all_)
        if any(column.standing for column in self.asked.columns):
            yield from told
        if told and self.asked.bold != "none":
            second = "; underlined is the next such group" * (self.asked.underline != "none")
            yield f"mIoU: bold is the best and all that is not significantly worse{second}."
            if (
                self.asked.within
                or self.asked.rows
                or "row" in (self.asked.bold, self.asked.underline)
            ):
                yield OF_ALL


def scored(used: Sequence[Record], targets: set[str]) -> Iterator[str]:
    """On what masks and segmentors are scored, and how."""
    protocol = used[0].protocol
    if MASKS in targets:
        yield f"Masks: mIoU in percent on {protocol.images:,} train images."
    if any(targets):
        yield f"Segmentors: mIoU in percent on {protocol.val_images:,} val images."
        yield notes.scored(used)


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


def rules(families: Iterable[Family], used: Sequence[Record]) -> Iterator[str]:
    """Which background rules stand beside each other, where they are not the same."""
    shown = {record.method for record in used}
    for family in families:
        groups = [group for group in family.groups if group[0].method in shown]
        if not all(same(group, family.plain, "rule") for group in groups):
            each = ", ".join(f"{group[0].method} {rule_of(group)}" for group in groups)
            yield f"Background rules: {each}."


def raised(number: int) -> str:
    return "".join(RAISED[int(digit)] for digit in str(number))
