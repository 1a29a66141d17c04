"""The chain of a board: every accepted record, each entry with the digest of the one before it.

Whoever edits, removes or reorders a record or an entry breaks the chain at a place that ``check``
names. Taking the last entries away together with their records does not; releases hold how far the
chain went, so they show it.
"""

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from wsss_harness.contract.errors import DataError
from wsss_harness.store.layout import RECORDS
from wsss_harness.system.files import read_json, write_text
from wsss_leaderboard.records.counts import COUNTS
from wsss_leaderboard.records.model import StrictModel, validated
from wsss_leaderboard.submissions.canonical import digest, digest_of_file
from wsss_leaderboard.submissions.manifest import Digest, Stem

CHAIN = "chain.jsonl"
SUPERSEDED, SUITES = "superseded", "suites"


class ChainEntry(StrictModel):
    """A record that was accepted.

    ``record``, ``counts``, ``suite`` and ``packs`` are SHA-256 digests: of the content of the
    record, of files, and of the manifests of its packs by target. ``supersedes`` is the digest of
    the record in whose place it stands. ``signer`` has signed the submission.
    """

    previous: str
    stem: Stem
    record: Digest
    counts: Digest
    suite: Digest
    packs: dict[str, Digest]
    supersedes: str = ""
    signer: str = ""
    date: str

    @property
    def digest(self) -> str:
        return digest(self.model_dump(mode="json"))


def read(board: Path) -> tuple[ChainEntry, ...]:
    """The entries of a board as they are; nothing of them is believed yet.

    Raises:
        DataError: a line is no entry; names it.
    """
    path = board / CHAIN
    if not path.is_file():
        return ()
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    return tuple(_entry(line, path, number) for number, line in enumerate(lines, 1))


def _entry(line: str, path: Path, number: int) -> ChainEntry:
    try:
        content: Any = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise DataError(f"{path}: line {number} is not valid JSON ({error})") from None
    return validated(ChainEntry, content, path.with_name(f"{path.name}, line {number}"))


def write(board: Path, entries: Sequence[ChainEntry]) -> None:
    """Write the chain, one entry a line."""
    lines = (json.dumps(one.model_dump(mode="json"), sort_keys=True) + "\n" for one in entries)
    write_text(board / CHAIN, "".join(lines))


def head(entries: Sequence[ChainEntry]) -> str:
    """The digest of the last entry, which depends on all before it."""
    return entries[-1].digest if entries else ""


def current(entries: Sequence[ChainEntry]) -> dict[str, ChainEntry]:
    """The entries that no later one supersedes, by stem."""
    gone = {entry.supersedes for entry in entries}
    return {entry.stem: entry for entry in entries if entry.record not in gone}


def places(board: Path, entries: Sequence[ChainEntry]) -> dict[Path, ChainEntry]:
    """Where the record of each entry lies; superseded ones stay, in a folder of their own."""
    now = current(entries)
    return {
        board / (RECORDS if entry.stem in now else SUPERSEDED) / f"{entry.stem}.json": entry
        for entry in entries
    }


def packs_of(board: Path, stem: str, packs: Path) -> Path:
    """Where the packs of a record lie: under its name, or that of one it is scored anew from."""
    wanted, stems = "", [stem]
    for entry in reversed(read(board)):
        if entry.stem == stem or entry.record == wanted:
            stems.append(entry.stem)
            wanted = entry.supersedes
    return next((packs / one for one in stems if (packs / one).is_dir()), packs / stem)


def suite_of(board: Path, entry: ChainEntry) -> Path:
    """The suite of a record as data; records of one suite share it."""
    return board / SUITES / f"{entry.suite[:16]}.json"


def problems(board: Path) -> Iterator[str]:
    """What is wrong with the chain of a board, or with what it names.

    Raises:
        DataError: a line of the chain is no entry.
    """
    entries = read(board)
    if not entries:
        yield f"{board / CHAIN} is missing or empty; a board begins with `wsss leaderboard accept`"
    yield from breaks(board / CHAIN, entries)
    known = places(board, entries)
    for path, entry in known.items():
        yield from _files(board, entry, path)
    yield from _strangers(board, known)


def breaks(path: Path, entries: Sequence[ChainEntry]) -> Iterator[str]:
    """Where an entry does not follow the one before it."""
    before, known, stems = "", set[str](), set[str]()
    for number, entry in enumerate(entries, 1):
        named = f"{path}, line {number} ({entry.stem})"
        if entry.previous != before:
            yield f"{named} does not follow the line before it: one was edited, removed or moved"
        if entry.record in known or entry.stem in stems:
            yield f"{named} accepts a record, or its name, once more"
        if entry.supersedes and entry.supersedes not in known:
            yield f"{named} supersedes a record that was never accepted"
        known.add(entry.record)
        stems.add(entry.stem)
        before = entry.digest


def _files(board: Path, entry: ChainEntry, path: Path) -> Iterator[str]:
    """What of an accepted record is missing or was changed."""
    try:
        if digest(read_json(path)) != entry.record:
            yield f"{path} is not the record that was accepted: it was edited"
    except (DataError, ValueError) as error:
        yield f"the accepted record {entry.stem} cannot be read: {error}"
    wanted: Mapping[Path, str] = {
        board / COUNTS / f"{entry.stem}.npz": entry.counts,
        suite_of(board, entry): entry.suite,
    }
    for file, sha256 in wanted.items():
        if not file.is_file():
            yield f"{file}, of the accepted record {entry.stem}, was removed"
        elif digest_of_file(file) != sha256:
            yield f"{file}, of the accepted record {entry.stem}, was edited"


def _strangers(board: Path, known: Collection[Path]) -> Iterator[str]:
    for folder in (RECORDS, SUPERSEDED):
        for path in sorted((board / folder).glob("*.json")):
            if path not in known:
                yield f"{path} was never accepted: it is in no line of {CHAIN}"
