"""The cells of a table file: where each comes from, and which are best."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from wsss_harness.contract.errors import ConfigError
from wsss_leaderboard.ranking.entries import kind_of
from wsss_leaderboard.ranking.standings import Standings
from wsss_leaderboard.records.counts import MASKS
from wsss_leaderboard.records.published import published
from wsss_leaderboard.records.record import Record, by_method, distinct
from wsss_leaderboard.tables.assembly import STANDING_COLUMNS, Cell, CellRow, Measure, cell_of
from wsss_leaderboard.tables.builtin import ANATOMY, FAILURES, MASK_MEASURES, VAL, rule_of
from wsss_leaderboard.tables.notes import CHOSEN
from wsss_leaderboard.tables.table import NOTHING
from wsss_leaderboard.tables.tablefiles import JOINT, ColumnSpec, RowSpec, TableFile

Numbers = dict[str, Measure[Any]]
CAUSES: Numbers = {measure.name: measure for measure in ANATOMY}
OF_MASKS: Numbers = {measure.name: measure for measure in (*MASK_MEASURES, *FAILURES, *ANATOMY)}
OF_SEGMENTORS: Numbers = {"mIoU": VAL[0], **CAUSES}


def measured(group: Sequence[Record], segmentor: str, name: str) -> Cell:
    """A number of the records of a method, of its masks or of a segmentor."""
    measure = (OF_SEGMENTORS if segmentor else OF_MASKS).get(name)
    has_target = group and (not segmentor or segmentor in group[0].recipe["segmentors"])
    if measure is None or not has_target:
        return Cell()
    runs = distinct(group, segmentor)
    return replace(cell_of(measure, runs, segmentor), records=tuple(group))


Group = Sequence[Record]  # one method's records, a seed each
Chain = tuple[str, ...]  # labels of refiners, in their order


@dataclass(frozen=True)
class Family:
    """A method without refiners, and the same method with each chain of refiners."""

    plain: Group
    refined: dict[Chain, Group]

    @property
    def groups(self) -> list[Group]:
        return [self.plain, *self.refined.values()]


def paired(groups: Iterable[Group]) -> Iterator[Family]:
    """Methods that are in a table both alone and refined, matched by their generator.

    Of several with the same refiners, the one with the background rule of the method alone is kept.
    """
    methods = [group for group in groups if not group[0].control]
    for plain in methods:
        if plain[0].recipe.get("refiners"):
            continue
        partners = [
            g for g in methods if g[0].recipe.get("refiners") and same(g, plain, "generator")
        ]
        partners.sort(key=lambda group: same(group, plain, "rule"))
        refined = {tuple(group[0].recipe["refiners"]): group for group in partners}
        if refined:
            yield Family(plain, refined)


def same(group: Group, other: Group, key: str) -> bool:
    return bool(group[0].recipe[key] == other[0].recipe[key])


RAISED = "⁰¹²³⁴⁵⁶⁷⁸⁹"


@dataclass(frozen=True)
class TableSource:
    """What the cells of a table are read from: the records of each method, and its families.

    ``families``: methods that were refined, by the name of the method without refiners.
    """

    spec: TableFile
    records: Sequence[Record]
    standings: Standings
    groups: Mapping[str, Sequence[Record]]
    families: Mapping[str, Family]

    @classmethod
    def of(cls, spec: TableFile, records: Sequence[Record], standings: Standings) -> "TableSource":
        check_classes(spec, records)
        groups = by_method(records)
        families = {family.plain[0].method: family for family in paired(groups.values())}
        return cls(spec, records, standings, groups, families)

    def row_specs(self) -> Iterator[RowSpec]:
        """The rows of the file, or one for every method; below them the control rows."""
        shown = self.spec.rows or tuple(self._every_method())
        yield from shown
        methods = {row.method for row in shown}
        targets = dict.fromkeys(row.segmentor for row in shown)
        for method, group in self.groups.items():
            if group[0].control and method not in methods:
                labels = [label for label in group[0].recipe["segmentors"] if label in targets]
                own_targets = labels if any(targets) else [MASKS]
                yield from (RowSpec(method=method, segmentor=target) for target in own_targets)

    def _every_method(self) -> Iterator[RowSpec]:
        """Every method without a column of its own beside the method that it refines."""
        chains = {tuple(c.refiner.split(JOINT)) for c in self.spec.columns if c.refiner}
        families = self.families.values()
        beside = [g[0].method for f in families for c, g in f.refined.items() if c in chains]
        for method, group in self.groups.items():
            if group[0].control or method in beside:
                continue
            if self.spec.lines != "segmentors":
                yield RowSpec(method=method)
            if self.spec.lines != "masks":
                labels = group[0].recipe["segmentors"]
                yield from (RowSpec(method=method, segmentor=label) for label in labels)

    def filled(self, row: RowSpec) -> CellRow:
        columns = self.spec.columns
        heads = [column.head for column in columns]
        cells = [self._cell(row, column) for column in columns]
        compared = tuple(
            cell.less(cells[heads.index(column.less)]) if column.less else cell
            for cell, column in zip(cells, columns, strict=True)
        )
        if group := self.groups.get(row.method):
            return CellRow(row.segmentor, kind_of(group, row.segmentor), compared)
        has_figures = any(cell.figure for cell in cells) and not any(c.records for c in cells)
        return CellRow(row.segmentor, "published" if has_figures else "method", compared)

    def _cell(self, row: RowSpec, column: ColumnSpec) -> Cell:
        if column.words:
            return Cell(self._words(row, column.words))
        method = self._refined(row.method, column.refiner) if column.refiner else row.method
        standing = self.standings.of(row.segmentor, method)
        if column.standing:
            read = dict(STANDING_COLUMNS)[column.standing]
            return Cell(read(standing) if standing else NOTHING)
        if column.number:
            cell = measured(self.groups.get(method, []), row.segmentor, column.number)
            return cell.of_standing(standing) if column.number == "mIoU" else cell
        return self._figure(method, row.segmentor, column)

    def _refined(self, method: str, refiner: str) -> str:
        """The row of the same generator with this refiner, or the name that it would have."""
        family = self.families.get(method)
        group = family.refined.get(tuple(refiner.split(JOINT))) if family else None
        return group[0].method if group else method + JOINT + refiner

    def _words(self, row: RowSpec, words: str) -> str:
        group = self.groups.get(row.method)
        if words == "method":
            return (row.name or row.method) + self._threshold_mark(group) + self.reference(row)
        if words == "seg":
            return row.segmentor or "masks"
        if words == "rule":
            return rule_of(group) if group else NOTHING
        if words == "sup" and group:
            return group[0].sup_of(row.segmentor)
        figures = (f for f in published().figures if f.method == row.method)
        return next((getattr(figure, words) for figure in figures), NOTHING)

    def _threshold_mark(self, group: Sequence[Record] | None) -> str:
        """The mark of a threshold that was chosen on truth, unless a column shows the rule."""
        shown = any(column.words == "rule" for column in self.spec.columns)
        masks = [record.masks for record in group or () if record.masks]
        return "" if shown or not masks else CHOSEN[masks[0].chosen_on]

    def _figure(self, method: str, segmentor: str, column: ColumnSpec) -> Cell:
        split = column.split or ("val" if segmentor else "train")
        place = (column.figure, self.spec.dataset, split)
        for figure in published().named(method, segmentor):
            if (figure.kind, figure.dataset, figure.split) == place:
                unlike = (published().unlike(figure, record) for record in self.records)
                if reason := next(filter(None, unlike), ""):
                    return Cell(left_out=f"{figure.kind} {figure.cell} of {method}: {reason}")
                return Cell(figure.cell, figure.value, figure=figure)
        return Cell()

    def reference(self, part: ColumnSpec | RowSpec) -> str:
        """The number of its footnote, raised; empty without one."""
        if not part.footnote:
            return ""
        return raised(list(self.spec.footnotes).index(part.footnote) + 1)


def check_classes(spec: TableFile, records: Sequence[Record]) -> None:
    """ConfigError if the records are not of the dataset that the file names."""
    if not spec.dataset:
        return
    classes = {"background", *published().datasets[spec.dataset].classes}
    for record in records:
        if record.masks and set(record.masks.score.iou) != classes:
            raise ConfigError(
                f"'{record.method}' was measured on other classes than those of {spec.dataset}; "
                "unlike data never share a table: give results on this dataset"
            )


def raised(number: int) -> str:
    return "".join(RAISED[int(digit)] for digit in str(number))
