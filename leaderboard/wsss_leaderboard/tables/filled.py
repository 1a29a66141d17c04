"""A table file filled with what was measured, beside what others published."""

from collections.abc import Sequence

from wsss_leaderboard.ranking.standings import NONE, Standings
from wsss_leaderboard.records.published import check_alike, notes_of
from wsss_leaderboard.records.record import Record
from wsss_leaderboard.tables.cells import places
from wsss_leaderboard.tables.comparable import check_comparable
from wsss_leaderboard.tables.footnotes import footnotes
from wsss_leaderboard.tables.rows import Column, TableRow
from wsss_leaderboard.tables.source import TableSource
from wsss_leaderboard.tables.table import Table
from wsss_leaderboard.tables.tablefiles import TableFile


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
    best, second = (places(filled, spec, nth) for nth in range(2))
    rows = tuple(
        TableRow(
            tuple(cell.text for cell in row.cells),
            row.kind,
            frozenset(column for place, column in best if place == number),
            frozenset(column for place, column in second if place == number),
        )
        for number, row in enumerate(filled)
    )
    columns = tuple(Column(c.head + source.reference(c), bool(c.words)) for c in spec.columns)
    below = (*footnotes(source, filled), *notes_of(f for column in figures for f in column))
    return Table(spec.title, columns, rows, below, spec.label)
