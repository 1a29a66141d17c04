"""The page of coverage: which methods ran on which boards, what failed and why."""

from collections.abc import Sequence
from dataclasses import dataclass

from wsss_leaderboard.ranking.entries import Kind
from wsss_leaderboard.site.board import folder_of, targets_of
from wsss_leaderboard.site.board_table import BoardTable
from wsss_leaderboard.site.pages import Pages, shown, stem


@dataclass(frozen=True)
class CoverageCell:
    """How many runs of a method finished on a target."""

    done: int
    runs: int
    page: str

    @property
    def state(self) -> str:
        return "done" if self.done == self.runs else "failed"


def write_coverage(pages: Pages, boards: Sequence[Sequence[BoardTable]]) -> None:
    first_boards = [tables[0].board for tables in boards]
    failures = [
        (run.record, f"{folder_of(board)}/methods/{stem(run.record.method)}.html")
        for board in first_boards
        for run in board.loaded
        if run.record.failure
    ]
    heads = [(shown(b.dataset, 30), b.protocol.name, targets_of(b)) for b in first_boards]
    rows: dict[str, dict[int, CoverageCell]] = {}
    kinds: dict[str, Kind] = {}
    for column, table in enumerate(table for tables in boards for table in tables):
        folder = folder_of(table.board)
        for row in table.rows:
            if row.entry is None or all(record.unscored for record in row.entry.records):
                continue
            kinds.setdefault(row.method, row.kind)
            page = f"{folder}/methods/{stem(row.method)}.html"
            cell = CoverageCell(len(row.entry.values), len(row.entry.runs), page)
            rows.setdefault(row.method, {})[column] = cell
    ordered = sorted(rows.items(), key=lambda item: (kinds[item[0]] != "method", item[0].lower()))
    pages.write(
        "coverage.html",
        "coverage.html",
        heads=heads,
        columns=sum(map(len, boards)),
        rows=ordered,
        kinds=kinds,
        failures=failures,
    )
