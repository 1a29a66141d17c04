"""A table file filled with measured numbers and published figures, and its footnotes."""

from collections.abc import Hashable, Iterable, Iterator, Sequence

from wsss_leaderboard.ranking.standings import NONE, Standings
from wsss_leaderboard.records.counts import MASKS
from wsss_leaderboard.records.published import check_alike, notes_of
from wsss_leaderboard.records.record import Record
from wsss_leaderboard.tables import notes
from wsss_leaderboard.tables.assembly import CellRow, Place, best_places, table_rows
from wsss_leaderboard.tables.builtin import controls_note, rule_of
from wsss_leaderboard.tables.cells import Family, TableSource, raised, same
from wsss_leaderboard.tables.comparable import check_comparable
from wsss_leaderboard.tables.table import Column, Table
from wsss_leaderboard.tables.tablefiles import TableFile

OF_ALL = (
    "Tie groups cover all measured methods: where fewer are compared, bold is the best of them and "
    "its group."
)


def footnotes(source: TableSource, rows: Sequence[CellRow]) -> Iterator[str]:
    spec, cells = source.spec, [cell for row in rows for cell in row.cells]
    for number, text in enumerate(spec.footnotes.values(), 1):
        yield f"{raised(number)} {text}"
    places = [n for n, column in enumerate(spec.columns) if column.words == "sup"]
    yield from notes.sup(row.cells[place].text for row in rows for place in places)
    shown = list({id(r): r for cell in cells for r in cell.records}.values())
    if shown:
        yield from _of_records(source, shown, {row.target for row in rows})
    elif spec.suite:
        yield f"Nothing measured yet: run the suite file {spec.suite}.toml."
    if any(row.kind == "published" for row in rows):
        yield "§ published, not measured here; never marked as best."
    if any(cell.figure and cell.figure.confidence == "unverified" for cell in cells):
        yield "? often quoted, but not checked at its source."
    yield from dict.fromkeys(f"Left out, {cell.left_out}." for cell in cells if cell.left_out)


def _of_records(source: TableSource, shown: Sequence[Record], targets: set[str]) -> Iterator[str]:
    yield from scored(shown, targets)
    pairs = [f"{c.head} less {c.less}" for c in source.spec.columns if c.less]
    yield from [f"In brackets: {'; '.join(pairs)}."] if pairs else []
    yield from unlike_rules(source.families.values(), shown)
    yield from notes.chosen(shown)
    yield from notes.packs(shown)
    yield from notes.kinds(shown)
    yield from notes.weights(shown)
    yield from controls_note(source.records) if any(targets) else []
    yield from _of_standings(source, targets)
    yield from notes.common(shown, min(targets))


def scored(shown: Sequence[Record], targets: set[str]) -> Iterator[str]:
    """Which images masks and segmentors are scored on, and how."""
    protocol = shown[0].protocol
    if MASKS in targets and protocol.images:
        yield f"Masks: mIoU in percent on {protocol.images:,} train images."
    if any(targets):
        yield f"Segmentors: mIoU in percent on {protocol.val_images:,} val images."
        yield notes.scored(shown)


def unlike_rules(families: Iterable[Family], shown: Sequence[Record]) -> Iterator[str]:
    """The background rules of a family whose members do not share one."""
    methods = {record.method for record in shown}
    for family in families:
        groups = [group for group in family.groups if group[0].method in methods]
        if not all(same(group, family.plain, "rule") for group in groups):
            rules = ", ".join(f"{group[0].method} {rule_of(group)}" for group in groups)
            yield f"Background rules: {rules}."


def _of_standings(source: TableSource, targets: set[str]) -> Iterator[str]:
    """How to read the marks and, where they are shown, intervals and ranks."""
    spec, by_target = source.spec, source.standings.notes.items()
    texts = dict.fromkeys(text for target, own in by_target if target in targets for text in own)
    if any(column.standing for column in spec.columns):
        yield from texts
    if texts and spec.bold != "none":
        second = "; underlined is the next such group" * (spec.underline != "none")
        yield f"mIoU: bold marks the best and all that are not significantly worse{second}."
        if spec.within or spec.rows or "row" in (spec.bold, spec.underline):
            yield OF_ALL


def fill(spec: TableFile, records: Sequence[Record], standings: Standings = NONE) -> Table:
    """The table, from records of one dataset and protocol; without any it has figures alone.

    Raises:
        ConfigError: the records, or the figures of one column, may not share a table.
    """
    check_comparable(records)
    source = TableSource.of(spec, records, standings)
    filled = [source.filled(row) for row in source.row_specs()]
    by_column = zip(*(row.cells for row in filled), strict=True)
    figures = [[cell.figure for cell in cells if cell.figure] for cells in by_column]
    for column in figures:
        check_alike(column)
    rows = table_rows(filled, _marked(filled, spec, 0), _marked(filled, spec, 1))
    columns = tuple(Column(c.head + source.reference(c), bool(c.words)) for c in spec.columns)
    below = (*footnotes(source, filled), *notes_of(f for column in figures for f in column))
    return Table(spec.title, columns, rows, below, spec.label)


def _marked(rows: Sequence[CellRow], spec: TableFile, nth: int) -> set[Place]:
    """The places of the numbers that are best (0) or second (1), as the file says among which."""
    among = (spec.bold, spec.underline)[nth]
    within = [place for place, column in enumerate(spec.columns) if column.head in spec.within]

    def league(row: int, column: int) -> Hashable:
        words = tuple(rows[row].cells[place].text for place in within)
        return row if among == "row" else (column, words)

    return set() if among == "none" else best_places(rows, league, nth)
