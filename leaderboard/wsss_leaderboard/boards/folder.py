"""The folder of a board: its current records, what fits it, and adding records to it."""

import datetime
import shutil
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from wsss_harness.contract.errors import DataError
from wsss_harness.store.layout import RECORDS
from wsss_harness.system import locks
from wsss_harness.system.files import atomic, read_json
from wsss_leaderboard.boards import chain
from wsss_leaderboard.boards.chain import SUPERSEDED, ChainEntry
from wsss_leaderboard.boards.verification import is_stale
from wsss_leaderboard.ranking.entries import LoadedRecord
from wsss_leaderboard.records import counts
from wsss_leaderboard.records.record import Record, load_record
from wsss_leaderboard.submissions.checking import CheckReport
from wsss_leaderboard.submissions.manifest import SUITE, digest, digest_of_file

Identity = tuple[str, str, int, str, int]
LOCK = ".lock"


@dataclass(frozen=True, eq=False)
class BoardFolder:
    """A board on disk: all entries of its chain, and the current entries and records by stem."""

    folder: Path
    entries: tuple[ChainEntry, ...]
    current: Mapping[str, ChainEntry]
    records: Mapping[str, Record]

    @classmethod
    def read(cls, folder: Path) -> "BoardFolder":
        """Read a board; DataError lists what is wrong with its chain and files."""
        entries = chain.read(folder)
        if problems := list(chain.problems(folder)) if entries else []:
            raise DataError("\n".join(problems))
        current = chain.current(entries)
        records = {stem: load_record(folder / RECORDS / f"{stem}.json") for stem in current}
        return cls(folder, entries, current, records)

    @property
    def stale(self) -> list[str]:
        """Stems of records measured with another version of the metrics."""
        return [stem for stem, record in self.records.items() if is_stale(record)]

    def entry_like(self, record: Record) -> ChainEntry | None:
        """The current entry of the same method, seed and data; None without one."""
        wanted = identity(record)
        stems = (stem for stem, other in self.records.items() if identity(other) == wanted)
        return next((self.current[stem] for stem in stems), None)

    def superseded(self, run: LoadedRecord) -> str:
        """The digest of the record that a run replaces; empty if there is none."""
        entry = self.entry_like(run.record)
        return entry.record if entry else ""


def identity(record: Record) -> Identity:
    """What identifies a record on a board, whatever the version of the metrics."""
    protocol = record.protocol
    data = protocol.fingerprint or record.data
    return record.dataset, data, protocol.held_out, record.method, record.seed


@dataclass(frozen=True)
class NewRecord:
    """A record to add, with its counts in their usual place."""

    path: Path
    suite: Path
    packs: Mapping[str, str]
    supersedes: str = ""
    signer: str = ""


def add(board: BoardFolder, new_records: Iterable[NewRecord]) -> list[ChainEntry]:
    """Copy records to a board, then write the chain that names them."""
    entries = list(board.entries)
    for new in new_records:
        entry = _entry_of(new, chain.head(entries))
        target = board.folder / RECORDS / new.path.name
        _copy(new.path, target)
        _copy(counts.path_of(new.path), counts.path_of(target))
        _copy(new.suite, chain.suite_of(board.folder, entry))
        entries.append(entry)
    chain.write(board.folder, entries)
    settle(board.folder)
    return entries[len(board.entries) :]


def _entry_of(new: NewRecord, previous: str) -> ChainEntry:
    return ChainEntry(
        previous=previous,
        stem=new.path.stem,
        record=digest(read_json(new.path)),
        counts=digest_of_file(counts.path_of(new.path)),
        suite=digest_of_file(new.suite),
        packs=dict(new.packs),
        supersedes=new.supersedes,
        signer=new.signer,
        date=datetime.datetime.now(datetime.UTC).date().isoformat(),
    )


def _copy(source: Path, target: Path) -> None:
    if source != target:
        with atomic(target) as temporary:
            shutil.copyfile(source, temporary)


def settle(folder: Path, stems: Iterable[str] = ()) -> None:
    """Move superseded records to their folder, and remove what a killed command left behind.

    Only records named in ``stems`` that no line of the chain names are removed.

    Raises:
        DataError: The chain is broken, so what it says cannot be trusted.
    """
    entries = chain.read(folder)
    if breaks := list(chain.breaks(folder / chain.CHAIN, entries)):
        raise DataError("\n".join(breaks))
    accepted = chain.record_paths(folder, entries)
    for path in accepted:
        old_path = folder / RECORDS / path.name
        if path.parent.name == SUPERSEDED and old_path.is_file():
            path.parent.mkdir(exist_ok=True)
            old_path.replace(path)
    for path in (folder / RECORDS / f"{stem}.json" for stem in stems):
        if path not in accepted:
            path.unlink(missing_ok=True)


def misfits(report: CheckReport, board: BoardFolder, new_table: bool) -> Iterator[str]:
    """Reasons why a submission does not fit a board.

    ``new_table``: it may bring a new protocol. Records that it corrects do not stand in its way.
    """
    remaining = dict(board.records)
    for run in report.runs:
        earlier = board.entry_like(run.record)
        yield from _repeats(run, earlier, report, board)
        if earlier:
            del remaining[earlier.stem]
    for run in report.runs:
        yield from _conflicts(run, remaining.values(), new_table)


def _repeats(
    run: LoadedRecord, earlier: ChainEntry | None, report: CheckReport, board: BoardFolder
) -> Iterator[str]:
    """Why a run may not stand next to what was accepted, or in place of an ``earlier`` one."""
    corrects = bool(report.submission and report.submission.corrects)
    if digest(read_json(run.path)) in {entry.record for entry in board.entries}:
        yield f"{run.path} was accepted before"
    elif run.path.stem in {entry.stem for entry in board.entries}:
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


def _conflicts(run: LoadedRecord, others: Iterable[Record], new_table: bool) -> Iterator[str]:
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


def accept_checked(report: CheckReport, folder: Path, new_table: bool = False) -> list[ChainEntry]:
    """Copy a checked submission to a board, and append its records to the chain.

    Raises:
        DataError: The submission has problems or does not fit, or the board is damaged.
    """
    if report.problems or report.submission is None:
        raise DataError("\n".join(report.problems))
    folder.mkdir(parents=True, exist_ok=True)
    with locks.exclusive(folder / LOCK, wait=True):
        settle(folder, [run.path.stem for run in report.runs])
        board = BoardFolder.read(folder)
        if problems := list(misfits(report, board, new_table)):
            raise DataError("\n".join(problems))
        suite, packs = report.folder / SUITE, report.submission.packs
        new_records = (
            NewRecord(run.path, suite, packs[run.path.stem], board.superseded(run), report.signer)
            for run in report.runs
        )
        return add(board, new_records)
