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
from wsss_leaderboard.submissions.canonical import digest, digest_of_file
from wsss_leaderboard.submissions.checking import CheckedRun

Identity = tuple[str, str, int, str, int]
LOCK = ".lock"


@dataclass(frozen=True, eq=False)
class BoardFolder:
    """The entries of a board's chain; by stem, those that none supersedes, and their records."""

    folder: Path
    entries: tuple[ChainEntry, ...]
    current: Mapping[str, ChainEntry]
    records: Mapping[str, Record]

    @classmethod
    def read(cls, folder: Path) -> "BoardFolder":
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

    def twin(self, record: Record) -> ChainEntry | None:
        """The entry of the same method, seed and data."""
        own = identity(record)
        stems = (stem for stem, one in self.records.items() if identity(one) == own)
        return next((self.current[stem] for stem in stems), None)

    def superseded(self, run: CheckedRun) -> str:
        """The digest of the record in whose place a run comes; empty if there is none."""
        twin = self.twin(run.record)
        return twin.record if twin else ""


def identity(record: Record) -> Identity:
    """What two records of a board may not have in common; the version of the metrics is no part."""
    protocol = record.protocol
    data = protocol.fingerprint or record.data
    return record.dataset, data, protocol.held_out, record.method, record.seed


@dataclass(frozen=True)
class NewRecord:
    """A record that is to be added, with its counts beside it."""

    path: Path
    suite: Path
    packs: Mapping[str, str]
    supersedes: str = ""
    signer: str = ""


def add(board: BoardFolder, found: Iterable[NewRecord]) -> list[ChainEntry]:
    """Copy records onto a board, then write the chain that names them."""
    entries = list(board.entries)
    for new in found:
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
