"""From a submission that was checked to a board: what fits, and what it takes the place of."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from wsss_harness.contract.errors import DataError
from wsss_harness.system import locks
from wsss_leaderboard.boards.chain import ChainEntry
from wsss_leaderboard.boards.folder import LOCK, BoardFolder, NewRecord, add, settle
from wsss_leaderboard.records.record import Record
from wsss_leaderboard.submissions.checking import CheckedRun, CheckReport
from wsss_leaderboard.submissions.manifest import SUITE


def misfits(report: CheckReport, board: BoardFolder, new_table: bool) -> Iterator[str]:
    """Why a submission may not go onto a board; ``new_table``: it may bring a protocol of its own.

    What it corrects is no twin.
    """
    said = report.submission
    left = dict(board.records)
    for run in report.runs:
        twin = board.twin(run.record)
        if run.digest in {entry.record for entry in board.entries}:
            yield f"{run.path} was accepted before"
        elif run.stem in {entry.stem for entry in board.entries}:
            yield f"{run.path}: the board has, or had, another record of this name"
        elif twin and not (said and said.corrects):
            yield (
                f"{run.path}: the board has '{run.record.method}', seed {run.record.seed}, as "
                f"{twin.stem}; if this corrects it, submit it with --corrects"
            )
        elif twin and twin.signer != report.signer:
            yield (
                f"{run.path} corrects {twin.stem}, which {twin.signer or 'nobody'} has signed, but "
                f"{report.signer or 'nobody'} has signed this; have the same key sign it"
            )
        if twin:
            del left[twin.stem]
    for run in report.runs:
        yield from _beside(run, left.values(), new_table)


def _beside(run: CheckedRun, others: Iterable[Record], new_table: bool) -> Iterator[str]:
    """What speaks against a record beside those of the board that stay."""
    record, mine = run.record, _protocol(run.record)
    same = [one for one in others if one.dataset == record.dataset]
    if same and not new_table and mine not in [_protocol(one) for one in same]:
        other = _protocol(same[0])
        name = next(name for name in mine if mine[name] != other[name])
        yield (
            f"{run.path}: protocol.{name} is {mine[name]!r}, on the board of {record.dataset} it "
            f"is {other[name]!r}; unlike protocols share no table: run it on the same data, or "
            "open a table of its own with --new-table"
        )
    for one in same:
        if one.method == record.method and one.recipe != record.recipe and _protocol(one) == mine:
            yield f"{run.path}: '{one.method}' has another recipe on the board; rename the row"
            return
        if one.method != record.method and _masks(one) & _masks(record) and not record.control:
            yield f"{run.path} has the masks of '{one.method}', seed {one.seed}, to the last pixel"
            return


def _masks(record: Record) -> set[str]:
    """The digest of its masks."""
    steps = record.steps
    return {one.products for one in steps if one.products and one.stage.startswith("mask ")}


def _protocol(record: Record) -> dict[str, object]:
    """The protocol without the version of the metrics: records are scored anew when it rises."""
    return record.protocol.model_dump(exclude={"evaluator"})


def accept(report: CheckReport, folder: Path, new_table: bool = False) -> list[ChainEntry]:
    """Copy a submission that was checked onto a board, and lengthen its chain.

    Raises:
        DataError: it has problems, does not fit, or the board itself is not whole.
    """
    if report.problems or report.submission is None:
        raise DataError("\n".join(report.problems))
    folder.mkdir(parents=True, exist_ok=True)
    with locks.exclusive(folder / LOCK, wait=True):
        settle(folder, [run.stem for run in report.runs])
        board = BoardFolder.read(folder)
        if wrong := list(misfits(report, board, new_table)):
            raise DataError("\n".join(wrong))
        suite, packs = report.folder / SUITE, report.submission.packs
        new = (
            NewRecord(run.path, suite, packs[run.stem], board.superseded(run), report.signer)
            for run in report.runs
        )
        return add(board, new)
