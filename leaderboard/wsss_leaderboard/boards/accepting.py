"""From a submission that was checked to a board: what fits, and what it takes the place of."""

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
from wsss_leaderboard.boards.chain import SUPERSEDED, Entry
from wsss_leaderboard.records import counts
from wsss_leaderboard.records.record import Record, load_record
from wsss_leaderboard.submissions.canonical import digest, digest_of_file
from wsss_leaderboard.submissions.checking import Report, Run
from wsss_leaderboard.submissions.verification import is_stale
from wsss_leaderboard.submissions.writing import SUITE

Identity = tuple[str, str, int, str, int]
LOCK = ".lock"


@dataclass(frozen=True, eq=False)
class Board:
    """The entries of a board's chain; by stem, those that none supersedes, and their records."""

    folder: Path
    entries: tuple[Entry, ...]
    current: Mapping[str, Entry]
    records: Mapping[str, Record]

    @classmethod
    def read(cls, folder: Path) -> "Board":
        """DataError names what is wrong with the chain, or with what it names."""
        entries = chain.read(folder)
        if wrong := list(chain.problems(folder)) if entries else []:
            raise DataError("\n".join(wrong))
        now = chain.current(entries)
        found = {stem: load_record(folder / RECORDS / f"{stem}.json") for stem in now}
        return cls(folder, entries, now, found)

    @property
    def stale(self) -> list[str]:
        """The stems of records of other metrics than those of today."""
        return [stem for stem, record in self.records.items() if is_stale(record)]

    def twin(self, record: Record) -> Entry | None:
        """The entry of the same method, seed and data."""
        own = identity(record)
        stems = (stem for stem, one in self.records.items() if identity(one) == own)
        return next((self.current[stem] for stem in stems), None)

    def superseded(self, run: Run) -> str:
        """The digest of the record in whose place a run comes; empty if there is none."""
        twin = self.twin(run.record)
        return twin.record if twin else ""


def identity(record: Record) -> Identity:
    """What two records of a board may not have in common; the version of the metrics is no part."""
    protocol = record.protocol
    data = protocol.fingerprint or record.data
    return record.dataset, data, protocol.held_out, record.method, record.seed


def misfits(report: Report, board: Board, new_table: bool) -> Iterator[str]:
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


def _beside(run: Run, others: Iterable[Record], new_table: bool) -> Iterator[str]:
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


def accept(report: Report, folder: Path, new_table: bool = False) -> list[Entry]:
    """Copy a submission that was checked onto a board, and lengthen its chain.

    Raises:
        DataError: it has problems, does not fit, or the board itself is not whole.
    """
    if report.problems or report.submission is None:
        raise DataError("\n".join(report.problems))
    folder.mkdir(parents=True, exist_ok=True)
    with locks.exclusive(folder / LOCK, wait=True):
        settle(folder, [run.stem for run in report.runs])
        board = Board.read(folder)
        if wrong := list(misfits(report, board, new_table)):
            raise DataError("\n".join(wrong))
        suite, packs = report.folder / SUITE, report.submission.packs
        new = (
            New(run.path, suite, packs[run.stem], board.superseded(run), report.signer)
            for run in report.runs
        )
        return add(board, new)


@dataclass(frozen=True)
class New:
    """A record that is to be added, with its counts beside it."""

    path: Path
    suite: Path
    packs: Mapping[str, str]
    supersedes: str = ""
    signer: str = ""


def add(board: Board, found: Iterable[New]) -> list[Entry]:
    """Copy records onto a board, then write the chain that names them."""
    entries = list(board.entries)
    for new in found:
        entry = Entry(
            previous=chain.head(entries),
            stem=new.path.stem,
            record=digest(read_json(new.path)),
            counts=digest_of_file(counts.path_of(new.path)),
            suite=digest_of_file(new.suite),
            packs=dict(new.packs),
            supersedes=new.supersedes,
            signer=new.signer,
            date=datetime.datetime.now(datetime.UTC).date().isoformat(),
        )
        place = board.folder / RECORDS / new.path.name
        _copy(new.path, place)
        _copy(counts.path_of(new.path), counts.path_of(place))
        _copy(new.suite, chain.suite_of(board.folder, entry))
        entries.append(entry)
    chain.write(board.folder, entries)
    settle(board.folder)
    return entries[len(board.entries) :]


def _copy(source: Path, target: Path) -> None:
    if source != target:
        with atomic(target) as temporary:
            shutil.copyfile(source, temporary)


def settle(folder: Path, stems: Iterable[str] = ()) -> None:
    """Move superseded records to their folder, and take away what a killed command left.

    Only of ``stems`` that are in no line of the chain are records taken away.

    Raises:
        DataError: the chain is broken, so nobody knows what it says.
    """
    entries = chain.read(folder)
    if wrong := list(chain.breaks(folder / chain.CHAIN, entries)):
        raise DataError("\n".join(wrong))
    known = chain.places(folder, entries)
    for path in known:
        before = folder / RECORDS / path.name
        if path.parent.name == SUPERSEDED and before.is_file():
            path.parent.mkdir(exist_ok=True)
            before.replace(path)
    for path in (folder / RECORDS / f"{stem}.json" for stem in stems):
        if path not in known:
            path.unlink(missing_ok=True)
