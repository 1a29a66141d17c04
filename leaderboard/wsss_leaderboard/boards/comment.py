"""What a submission would change on a board, as a comment in Markdown.

Text of the submission stands in it where nothing can be markup: escaped, or code.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

from wsss_harness.contract.errors import DataError
from wsss_leaderboard.boards.accepting import misfits
from wsss_leaderboard.boards.folder import BoardFolder
from wsss_leaderboard.comparison.comparison import reach_of
from wsss_leaderboard.ranking import entries
from wsss_leaderboard.ranking.entries import Entry, LoadedRecord
from wsss_leaderboard.ranking.ranking import Place, rank
from wsss_leaderboard.records.counts import MASKS
from wsss_leaderboard.submissions.checking import CheckReport
from wsss_leaderboard.submissions.tiers import TIERS
from wsss_leaderboard.tables.rows import NOTHING, Column, TableRow, inert
from wsss_leaderboard.tables.table import Table, markdown

LINE = 150  # characters of a heading
NEAR = 2  # rows above, and as many below


def pull_request_comment(report: CheckReport, board: Path, new_table: bool = False) -> str:
    """The verdict on a submission, its rank before and after, and paired differences."""
    problems = list(report.problems)
    tables: list[Table] = []
    if not problems:
        try:
            found = BoardFolder.read(board)
            problems = list(misfits(report, found, new_table))
            tables = [] if problems else list(changes(report, board, found))
        except DataError as error:
            problems = [str(error)]
    parts = [
        heading(report),
        headline(report, problems),
        *(f"    {line}" for line in _lines(problems)),
    ]
    parts += ["", *(f"- {markdown(note)}" for note in report.notes if not problems), ""]
    return "\n".join([*parts, *(table.markdown() for table in tables)]).rstrip() + "\n"


def heading(report: CheckReport) -> str:
    """The folder and its method, as code: a name that is refused may be anything."""
    said = f", {report.submission.method}" if report.submission else ""
    return f"### `{inert(report.folder.name + said)[:LINE].replace('`', ' ')}`\n"


def headline(report: CheckReport, problems: Sequence[str]) -> str:
    if problems or report.tier is None:
        return f"**Not accepted: {len(problems)} problems.**\n"
    runs = f"{len(report.runs)} run" + "s" * (len(report.runs) > 1)
    signed = f", signed by {markdown(report.signer)}" if report.signer else ""
    return f"**Fits the board:** {runs}, tier {report.tier} ({TIERS[report.tier]}){signed}."


def _lines(problems: Sequence[str]) -> Iterator[str]:
    for problem in problems:
        yield from map(inert, problem.splitlines())


def changes(report: CheckReport, board: Path, found: BoardFolder) -> Iterator[Table]:
    """A table for each target: the submitted method among its neighbours."""
    old = entries.load([board]) if found.current else ()
    new = [LoadedRecord(run.record, run.path, run.tallies) for run in report.runs]
    twins = {twin.stem for run in report.runs if (twin := found.twin(run.record))}
    replaced = [one for one in old if one.path.stem in twins]
    kept = [one for one in old if one.path.stem not in twins]
    mine = new[0].record
    after = next(b for b in entries.boards([*kept, *new]) if new[0] in b.loaded)
    before = next((b for b in entries.boards(old) if b.name == after.name), None)
    for target in (MASKS, *mine.recipe["segmentors"]):
        yield compared(
            target,
            mine.method,
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
    """The method of a target among its neighbours, and what it takes the place of."""
    ranks = [{e.method: p for e, p in zip(b, rank(b).places, strict=True)} for b in (before, after)]
    mine = next(entry for entry in after if entry.method == method)
    rows = [
        TableRow(
            (
                entry.method,
                *(rank_of(places.get(entry.method)) for places in ranks),
                percent(entry),
                NOTHING if entry is mine else gap(mine, entry),
            ),
            entry.kind,
            frozenset({0} if entry is mine else ()),
        )
        for entry in neighbours(mine, after)
    ]
    if replaced:
        first = (f"{method}, replaced", rank_of(ranks[0].get(method)), NOTHING)
        rows.append(TableRow((*first, percent(replaced), gap(mine, replaced)), replaced.kind))
    heads = ("rank before", "rank after", "mIoU", f"{method} minus it")
    return Table(
        f"{target or 'Pseudo-masks'}, {len(after)} rows",
        (Column("", words=True), *map(Column, heads)),
        tuple(rows),
        ("Differences are paired by image; ± is half of the 95 % interval.",),
    )


def neighbours(mine: Entry, entries: Sequence[Entry]) -> list[Entry]:
    """The entries next to one by mean, best first."""
    done = [entry for entry in entries if entry.mean is not None]
    ordered = sorted(done, key=lambda entry: -(entry.mean or 0))
    place = ordered.index(mine)
    return ordered[max(place - NEAR, 0) : place + NEAR + 1]


def rank_of(place: Place | None) -> str:
    if place is None or place.best is None:
        return NOTHING
    return str(place.best) if place.best == place.worst else f"{place.best} to {place.worst}"


def percent(entry: Entry) -> str:
    return NOTHING if entry.mean is None else f"{100 * entry.mean:.2f}"


def gap(one: Entry, other: Entry) -> str:
    """One less the other in points, with its interval where there is one."""
    if one.mean is None or other.mean is None:
        return NOTHING
    reach = reach_of(other, one)
    return f"{100 * (one.mean - other.mean):+.2f}" + (f" ±{100 * reach:.2f}" if reach else "")
