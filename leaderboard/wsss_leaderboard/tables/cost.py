"""What the rows of a suite cost: processor time and memory, not the wall time of a busy machine."""

import statistics
from collections.abc import Sequence

from wsss_leaderboard.ranking.entries import kind_of
from wsss_leaderboard.records.record import Amount, Record, by_method
from wsss_leaderboard.tables import notes
from wsss_leaderboard.tables.table import NOTHING, Column, Table, TableRow

SHARED = "Means over seeds; stages that rows share count in full for each. Memory: largest stage."
HEADS = ("CPU, min", "GPU, min", "memory, MiB")


def cost_table(records: Sequence[Record]) -> Table:
    """Processor time and peak memory of every row, with all its segmentors."""
    rows = [row_of(group) for group in by_method(records).values()]
    columns = (Column("Method", words=True), Column("sup", words=True), *map(Column, HEADS))
    return Table("Cost of a run", columns, tuple(rows), (SHARED, *notes.ending(records)))


def row_of(group: Sequence[Record]) -> TableRow:
    memory = max((record.peak_memory or 0 for record in group), default=0)
    cells = (minutes(group, "cpu_seconds"), minutes(group, "gpu_seconds"))
    peak = f"{memory / 2**20:,.0f}" if memory else NOTHING
    return TableRow((group[0].method, group[0].sup, *cells, peak), kind_of(group))


def minutes(group: Sequence[Record], amount: Amount) -> str:
    known = [total for record in group if (total := record.total(amount)) is not None]
    return f"{statistics.fmean(known) / 60:.1f}" if known else NOTHING
