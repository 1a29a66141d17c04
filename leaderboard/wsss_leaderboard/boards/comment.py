"""A comment in Markdown on a pull request: what a submission would change on a board.

Text from the submission is escaped or in code blocks, so it cannot act as markup.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from wsss_harness.contract.errors import DataError
from wsss_leaderboard.boards.folder import BoardFolder, misfits
from wsss_leaderboard.comparison.comparison import reach_of
from wsss_leaderboard.ranking import entries
from wsss_leaderboard.ranking.entries import Entry
from wsss_leaderboard.ranking.ranking import Place, rank
from wsss_leaderboard.records.counts import MASKS
from wsss_leaderboard.submissions.checking import CheckReport
from wsss_leaderboard.submissions.manifest import TIERS
from wsss_leaderboard.tables.table import NOTHING, Column, Table, TableRow, inert, markdown, percent

LINE = 150  # characters of a heading
NEAR = 2  # neighbours above and below


def pull_request_comment(report: CheckReport, board: Path, new_table: bool = False) -> str:
    """The verdict on a submission, its rank before and after, and paired differences."""
    problems = list(report.problems)
    tables: list[Table] = []
    if not problems:
        try:
            folder = BoardFolder.read(board)
            problems = list(misfits(report, folder, new_table))
            tables = [] if problems else list(changes(report, folder))
        except DataError as error:
            problems = [str(error)]
    parts = [
        heading(report),
        headline(report, problems),
        *(f"    {inert(line)}" for problem in problems for line in problem.splitlines()),
    ]
    parts += ["", *(f"- {markdown(note)}" for note in report.notes if not problems), ""]
    return "\n".join([*parts, *(table.markdown() for table in tables)]).rstrip() + "\n"


def heading(report: CheckReport) -> str:
    """The folder and its method, as code: a refused name may hold anything."""
    method = f", {report.submission.method}" if report.submission else ""
    return f"### `{inert(report.folder.name + method)[:LINE].replace('`', ' ')}`\n"


def headline(report: CheckReport, problems: Sequence[str]) -> str:
    if problems or report.tier is None:
        return f"**Not accepted: {len(problems)} problem{'s' * (len(problems) != 1)}.**\n"
    runs = f"{len(report.runs)} run" + "s" * (len(report.runs) > 1)
    signed = f", signed by {markdown(report.signer)}" if report.signer else ""
    return f"**Fits the board:** {runs}, tier {report.tier} ({TIERS[report.tier]}){signed}."


def changes(report: CheckReport, board: BoardFolder) -> Iterator[Table]:
    """A table for each target: the submitted method and its neighbours."""
    old = entries.load([board.folder]) if board.current else ()
    new = report.runs
    earlier = (board.entry_like(run.record) for run in new)
    replaced_stems = {entry.stem for entry in earlier if entry}
    replaced = [record for record in old if record.path.stem in replaced_stems]
    kept = [record for record in old if record.path.stem not in replaced_stems]
    submitted = new[0].record
    after = next(b for b in entries.boards([*kept, *new]) if new[0] in b.loaded)
    before = next((b for b in entries.boards(old) if b.name == after.name), None)
    for target in (MASKS, *submitted.recipe["segmentors"]):
        yield compared(
            target,
            submitted.method,
            before.entries(target) if before else (),
            after.entries(target),
            entries.entry_of(replaced, target) if replaced else None,
        )


def compared(
    target: str,
    method: str,
    before: Sequence[Entry],
    after: Sequence[Entry],
    replaced: Entry | None,
) -> Table:
    """The method on a target with its neighbours, and the entry that it replaces."""
    ranks = [{e.method: p for e, p in zip(b, rank(b).places, strict=True)} for b in (before, after)]
    submitted = next(entry for entry in after if entry.method == method)
    rows = [neighbour(entry, submitted, ranks, after) for entry in neighbours(submitted, after)]
    if replaced:
        first = (f"{method}, replaced", rank_of(ranks[0].get(method)), NOTHING)
        cells = (*first, percent(replaced.mean, 2), gap(submitted, replaced, after))
        rows.append(TableRow(cells, replaced.kind))
    heads = ("rank before", "rank after", "mIoU", f"{method} minus it")
    return Table(
        f"{target or 'Pseudo-masks'}, {len(after)} rows",
        (Column("", words=True), *map(Column, heads)),
        tuple(rows),
        ("Differences are paired by image; ± is half of the 95 % interval.",),
    )


def neighbour(
    entry: Entry,
    submitted: Entry,
    ranks: Sequence[Mapping[str, Place | None]],
    after: Sequence[Entry],
) -> TableRow:
    """A row with the ranks of an entry before and after; the submitted one is bold."""
    itself = entry is submitted
    places = (rank_of(by_method.get(entry.method)) for by_method in ranks)
    difference = NOTHING if itself else gap(submitted, entry, after)
    cells = (entry.method, *places, percent(entry.mean, 2), difference)
    return TableRow(cells, entry.kind, frozenset({0} if itself else ()))


def neighbours(entry: Entry, entries: Sequence[Entry]) -> list[Entry]:
    """An entry and those next to it by mean, best first."""
    finished = [other for other in entries if other.mean is not None]
    ordered = sorted(finished, key=lambda other: -(other.mean or 0))
    place = ordered.index(entry)
    return ordered[max(place - NEAR, 0) : place + NEAR + 1]


def rank_of(place: Place | None) -> str:
    if place is None or place.best is None:
        return NOTHING
    return place.ranks.replace("-", " to ")


def gap(entry: Entry, other: Entry, board: Sequence[Entry]) -> str:
    """An entry minus another in percentage points, with its interval if there is one."""
    if entry.mean is None or other.mean is None:
        return NOTHING
    peers = [peer for peer in board if peer not in (entry, other)]
    reach = reach_of(other, entry, peers)
    return f"{100 * (entry.mean - other.mean):+.2f}" + (f" ±{100 * reach:.2f}" if reach else "")
