"""Releases: frozen versions of a board, with its records and the length of its chain."""

import datetime
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from wsss_harness.contract.errors import ConfigError, DataError
from wsss_harness.metrics import EVALUATOR
from wsss_harness.system.files import read_json, write_json
from wsss_harness.system.models import StrictModel, validated
from wsss_leaderboard.boards import chain
from wsss_leaderboard.boards.folder import BoardFolder
from wsss_leaderboard.submissions import signatures
from wsss_leaderboard.submissions.manifest import Digest, Stem
from wsss_leaderboard.submissions.signatures import ALLOWED

RELEASES = "releases"
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,49}$")]


class Release(StrictModel):
    """A frozen version of a board.

    ``records``: digests by stem. ``head``: the digest of the last of its ``entries`` entries.
    ``evaluator``: the version of the metrics at that time; with another one, it is stale.
    """

    format: Literal[1] = 1
    name: Name
    date: str
    evaluator: int
    entries: int
    head: Digest
    records: dict[Stem, Digest]

    @property
    def stale(self) -> bool:
        """Whether the metrics have changed since."""
        return self.evaluator != EVALUATOR


def path_of(board: Path, name: str) -> Path:
    return board / RELEASES / f"{name}.json"


def read(path: Path) -> Release:
    """Read a release; DataError names the invalid field."""
    return validated(Release, read_json(path), path)


def create(board: Path, name: str) -> Release:
    """Freeze the current state of a board.

    Raises:
        ConfigError: A release of this name exists.
        DataError: The board is empty or damaged, or the name is invalid.
    """
    path = path_of(board, name)
    if path.exists():
        raise ConfigError(f"{path} already exists; a release never changes: choose another name")
    entries = BoardFolder.read(board).entries
    if not entries:
        raise DataError(f"{board} has no accepted record to release; accept one first")
    release = validated(Release, _frozen(name, entries), path)
    write_json(path, release.model_dump(mode="json"))
    return release


def _frozen(name: str, entries: Sequence[chain.ChainEntry]) -> dict[str, object]:
    return {
        "name": name,
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "evaluator": EVALUATOR,
        "entries": len(entries),
        "head": chain.head(entries),
        "records": current_digests(entries),
    }


def paths(board: Path, name: str) -> tuple[Path, ...]:
    """The files of the records of a release, including superseded ones.

    Raises:
        DataError: There is no such release, or it names records that the board lacks.
    """
    path = path_of(board, name)
    release = read(path)
    record_paths = chain.record_paths(board, chain.read(board))
    path_by_digest = {entry.record: record_path for record_path, entry in record_paths.items()}
    missing = [stem for stem, digest in release.records.items() if digest not in path_by_digest]
    if missing:
        raise DataError(f"{path} names {missing[0]}, which is in no line of {board / chain.CHAIN}")
    return tuple(path_by_digest[digest] for digest in release.records.values())


def problems(board: Path) -> Iterator[str]:
    """Releases that do not match the chain, because either was changed."""
    entries = chain.read(board)
    for path in sorted((board / RELEASES).glob("*.json")):
        release = read(path)
        if release.name != path.stem:
            yield f"{path} is the release {release.name}: it was renamed or copied"
        if chain.head(entries[: release.entries]) != release.head:
            yield f"{path} names another chain: {chain.CHAIN} was rewritten, or lines were removed"
        elif current_digests(entries[: release.entries]) != release.records:
            yield f"{path} does not name the records of its chain: it was edited"
        elif release.date < entries[release.entries - 1].date:
            yield f"{path} is older than the last of its records: it was edited"
        if signatures.path_of(path).is_file() and (board / ALLOWED).is_file():
            try:
                signatures.signer(path, board / ALLOWED)
            except DataError as error:
                yield str(error)


def current_digests(entries: Sequence[chain.ChainEntry]) -> dict[str, str]:
    """Digests of the records that are not superseded, by stem."""
    return {stem: entry.record for stem, entry in chain.current(entries).items()}
