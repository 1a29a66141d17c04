"""The folder of a board: its current records, and adding records to it."""

import datetime
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from wsss_harness.contract.errors import DataError
from wsss_harness.store.layout import RECORDS
from wsss_harness.system.files import atomic, read_json
from wsss_leaderboard.boards import chain
from wsss_leaderboard.boards.chain import SUPERSEDED, ChainEntry
from wsss_leaderboard.boards.verification import is_stale
from wsss_leaderboard.records import counts
from wsss_leaderboard.records.record import Record, load_record
from wsss_leaderboard.submissions.checking import CheckedRun
from wsss_leaderboard.submissions.manifest import digest, digest_of_file

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

    def superseded(self, run: CheckedRun) -> str:
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
        entry = ChainEntry(
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
        target = board.folder / RECORDS / new.path.name
        _copy(new.path, target)
        _copy(counts.path_of(new.path), counts.path_of(target))
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
