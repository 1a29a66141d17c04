"""The chain of a board: an entry for every accepted record, with the digest of the entry before.

To edit, remove or reorder records or entries breaks the chain, and ``problems`` names the place.
Removing the last entries with their records does not; releases note the length of the chain and
reveal it.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from wsss_harness.contract.errors import DataError
from wsss_harness.store.layout import RECORDS
from wsss_harness.system.files import read_json, write_text
from wsss_harness.system.models import StrictModel, validated
from wsss_leaderboard.records.counts import COUNTS
from wsss_leaderboard.submissions.manifest import Digest, Stem, digest, digest_of_file

CHAIN = "chain.jsonl"
SUPERSEDED, SUITES = "superseded", "suites"


class ChainEntry(StrictModel):
    """An accepted record.

    ``record``, ``counts``, ``suite`` and ``packs`` are SHA-256 digests: of the content of the
    record, of files, and of the manifests of its packs by target. ``supersedes``: the digest of
    the record that it replaces. ``signer``: who signed the submission.
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
    """Read the entries of a board, without checking that they follow each other.

    Raises:
        DataError: A line is not a valid entry; names the line.
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
    lines = (json.dumps(entry.model_dump(mode="json"), sort_keys=True) + "\n" for entry in entries)
    write_text(board / CHAIN, "".join(lines))


def head(entries: Sequence[ChainEntry]) -> str:
    """The digest of the last entry, which depends on all before it."""
    return entries[-1].digest if entries else ""


def current(entries: Sequence[ChainEntry]) -> dict[str, ChainEntry]:
    """The entries that no later one supersedes, by stem."""
    superseded = {entry.supersedes for entry in entries}
    return {entry.stem: entry for entry in entries if entry.record not in superseded}


def record_paths(board: Path, entries: Sequence[ChainEntry]) -> dict[Path, ChainEntry]:
    """The entry of each record, by its path; superseded records are kept in their own folder."""
    stems = current(entries)
    return {
        board / (RECORDS if entry.stem in stems else SUPERSEDED) / f"{entry.stem}.json": entry
        for entry in entries
    }


def packs_of(board: Path, stem: str, packs: Path) -> Path:
    """The folder of a record's packs: under its stem, or that of a record it was rescored from."""
    wanted, stems = "", [stem]
    for entry in reversed(read(board)):
        if entry.stem == stem or entry.record == wanted:
            stems.append(entry.stem)
            wanted = entry.supersedes
    return next((packs / name for name in stems if (packs / name).is_dir()), packs / stem)


def suite_of(board: Path, entry: ChainEntry) -> Path:
    """The file of a record's suite; records of the same suite share it."""
    return board / SUITES / f"{entry.suite[:16]}.json"


def problems(board: Path) -> Iterator[str]:
    """What is wrong with the chain of a board, or with the files that it names.

    Raises:
        DataError: A line of the chain is not a valid entry.
    """
    entries = read(board)
    if not entries:
        yield f"{board / CHAIN} is missing or empty; a board begins with `wsss leaderboard accept`"
    yield from breaks(board / CHAIN, entries)
    paths = record_paths(board, entries)
    for path, entry in paths.items():
        yield from _files(board, entry, path)
    for path in (
        p for name in (RECORDS, SUPERSEDED) for p in sorted((board / name).glob("*.json"))
    ):
        if path not in paths:
            yield f"{path} was never accepted: it is in no line of {CHAIN}"


def breaks(path: Path, entries: Sequence[ChainEntry]) -> Iterator[str]:
    """Where an entry does not follow the one before it."""
    previous, accepted, stems = "", set[str](), set[str]()
    for number, entry in enumerate(entries, 1):
        place = f"{path}, line {number} ({entry.stem})"
        if entry.previous != previous:
            yield f"{place} does not follow the line before it: one was edited, removed or moved"
        if entry.record in accepted or entry.stem in stems:
            yield f"{place} accepts a record, or its name, a second time"
        if entry.supersedes and entry.supersedes not in accepted:
            yield f"{place} supersedes a record that was never accepted"
        accepted.add(entry.record)
        stems.add(entry.stem)
        previous = entry.digest


def _files(board: Path, entry: ChainEntry, path: Path) -> Iterator[str]:
    """Files of an accepted record that are missing or were changed."""
    try:
        if digest(read_json(path)) != entry.record:
            yield f"{path} is not the record that was accepted: it was edited"
    except (DataError, ValueError) as error:
        yield f"the accepted record {entry.stem} cannot be read: {error}"
    digests: Mapping[Path, str] = {
        board / COUNTS / f"{entry.stem}.npz": entry.counts,
        suite_of(board, entry): entry.suite,
    }
    for file, sha256 in digests.items():
        if not file.is_file():
            yield f"{file}, of the accepted record {entry.stem}, was removed"
        elif digest_of_file(file) != sha256:
            yield f"{file}, of the accepted record {entry.stem}, was edited"
