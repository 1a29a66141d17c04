"""What was run of what, what failed and why."""

from collections.abc import Sequence
from dataclasses import dataclass

from wsss_leaderboard.ranking.entries import Kind
from wsss_leaderboard.records.provenance import Failure
from wsss_leaderboard.site.board import folder_of, targets_of
from wsss_leaderboard.site.board_table import BoardTable
from wsss_leaderboard.site.names import shown, stem
from wsss_leaderboard.site.pages import Pages


@dataclass(frozen=True)
class CoverageCell:
    """How many of the runs of a method have finished on a target."""

    done: int
    runs: int
    page: str

    @property
    def state(self) -> str:
        return "done" if self.done == self.runs else "failed"


@dataclass(frozen=True)
class FailedRun:
    method: str
    seed: int
    board: str
    page: str
    failure: Failure


def write_coverage(pages: Pages, boards: Sequence[Sequence[BoardTable]]) -> None:
    """Write the page: methods by boards and targets, then the failures."""
    heads = [
        (shown(each[0].board.dataset, 30), each[0].board.protocol.name, targets_of(each[0].board))
        for each in boards
    ]
    rows: dict[str, dict[int, CoverageCell]] = {}
    kinds: dict[str, Kind] = {}
    for column, found in enumerate(found for each in boards for found in each):
        folder = folder_of(found.board)
        for line in found.all:
            if line.entry is None:
                continue
            kinds.setdefault(line.method, line.kind)
            page = f"{folder}/methods/{stem(line.method)}.html"
            cell = CoverageCell(len(line.entry.values), len(line.entry.runs), page)
            rows.setdefault(line.method, {})[column] = cell
    ordered = sorted(rows.items(), key=lambda row: (kinds[row[0]] != "method", row[0].lower()))
    pages.write(
        "coverage.html",
        "coverage.html",
        heads=heads,
        columns=sum(len(each) for each in boards),
        rows=ordered,
        kinds=kinds,
        failures=[failed for each in boards for failed in failures_of(each[0])],
    )


def failures_of(found: BoardTable) -> list[FailedRun]:
    """The runs of a board that did not finish."""
    folder = folder_of(found.board)
    return [
        FailedRun(
            run.record.method,
            run.record.seed,
            found.board.dataset,
            f"{folder}/methods/{stem(run.record.method)}.html",
            run.record.failure,
        )
        for run in found.board.loaded
        if run.record.failure
    ]
