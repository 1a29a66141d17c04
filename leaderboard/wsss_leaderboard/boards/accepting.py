"""Accept a checked submission on a board, if it fits."""

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
    """Reasons why a submission does not fit a board.

    ``new_table``: it may bring a new protocol. Records that it corrects do not stand in its way.
    """
    corrects = bool(report.submission and report.submission.corrects)
    remaining = dict(board.records)
    for run in report.runs:
        earlier = board.entry_like(run.record)
        if run.digest in {entry.record for entry in board.entries}:
            yield f"{run.path} was accepted before"
        elif run.stem in {entry.stem for entry in board.entries}:
            yield f"{run.path}: the board has, or had, another record of this name"
        elif earlier and not corrects:
            yield (
                f"{run.path}: the board has '{run.record.method}', seed {run.record.seed}, as "
                f"{earlier.stem}; if this corrects it, submit it with --corrects"
            )
        elif earlier and earlier.signer != report.signer:
            signers = earlier.signer or "nobody", report.signer or "nobody"
            yield (
                f"{run.path} corrects {earlier.stem}, which {signers[0]} has signed, but "
                f"{signers[1]} has signed this; have the same key sign it"
            )
        if earlier:
            del remaining[earlier.stem]
    for run in report.runs:
        yield from _conflicts(run, remaining.values(), new_table)


def _conflicts(run: CheckedRun, others: Iterable[Record], new_table: bool) -> Iterator[str]:
    """Conflicts of a run with the records that stay on the board."""
    record, protocol = run.record, _protocol(run.record)
    others = [other for other in others if other.dataset == record.dataset]
    if others and not new_table and protocol not in map(_protocol, others):
        expected = _protocol(others[0])
        name = next(name for name in protocol if protocol[name] != expected[name])
        yield (
            f"{run.path}: protocol.{name} is {protocol[name]!r}, on the board of {record.dataset} "
            f"it is {expected[name]!r}; different protocols share no table: run it on the same "
            "data, or open a new table with --new-table"
        )
    for other in others:
        same_name = other.method == record.method
        if same_name and other.recipe != record.recipe and _protocol(other) == protocol:
            yield f"{run.path}: '{other.method}' has another recipe on the board; rename the row"
            return
        if not same_name and not record.control and _masks(other) & _masks(record):
            yield f"{run.path} has exactly the masks of '{other.method}', seed {other.seed}"
            return


def _masks(record: Record) -> set[str]:
    """Digests of the products of its mask stages."""
    stages = (step for step in record.steps if step.stage.startswith("mask "))
    return {stage.products for stage in stages if stage.products}


def _protocol(record: Record) -> dict[str, object]:
    """The protocol without the version of the metrics, since stale records are scored again."""
    return record.protocol.model_dump(exclude={"evaluator"})


def accept(report: CheckReport, folder: Path, new_table: bool = False) -> list[ChainEntry]:
    """Copy a checked submission to a board, and append its records to the chain.

    Raises:
        DataError: The submission has problems or does not fit, or the board is damaged.
    """
    if report.problems or report.submission is None:
        raise DataError("\n".join(report.problems))
    folder.mkdir(parents=True, exist_ok=True)
    with locks.exclusive(folder / LOCK, wait=True):
        settle(folder, [run.stem for run in report.runs])
        board = BoardFolder.read(folder)
        if problems := list(misfits(report, board, new_table)):
            raise DataError("\n".join(problems))
        suite, packs = report.folder / SUITE, report.submission.packs
        new_records = (
            NewRecord(run.path, suite, packs[run.stem], board.superseded(run), report.signer)
            for run in report.runs
        )
        return add(board, new_records)
