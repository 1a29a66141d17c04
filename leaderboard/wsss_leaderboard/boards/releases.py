"""Frozen versions of a board: which records it had, and how far its chain went."""

import datetime
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from wsss_harness.contract.errors import ConfigError, DataError
from wsss_harness.metrics import EVALUATOR
from wsss_harness.system.files import read_json, write_json
from wsss_leaderboard.boards import chain
from wsss_leaderboard.boards.folder import BoardFolder
from wsss_leaderboard.records.model import StrictModel, validated
from wsss_leaderboard.submissions import signatures
from wsss_leaderboard.submissions.manifest import Digest, Stem
from wsss_leaderboard.submissions.signatures import ALLOWED

RELEASES = "releases"
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,49}$")]


class Release(StrictModel):
    """``records``: the digest of each by stem. ``head``: that of the last of ``entries`` entries.

    ``evaluator``: the version of the metrics when it was made; records of another one are stale.
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
    """A release; DataError names the field that is wrong."""
    return validated(Release, read_json(path), path)


def create(board: Path, name: str) -> Release:
    """Freeze a board as it is now.

    Raises:
        ConfigError: there is a release of this name, or it is no name.
        DataError: the board is empty, or not whole.
    """
    path = path_of(board, name)
    if path.exists():
        raise ConfigError(f"{path} is there already; a release never changes: take another name")
    found = BoardFolder.read(board)
    if not found.entries:
        raise DataError(f"{board} has no accepted record; nothing can be released")
    content = {
        "name": name,
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "evaluator": EVALUATOR,
        "entries": len(found.entries),
        "head": chain.head(found.entries),
        "records": named(found.entries),
    }
    made = validated(Release, content, path)
    write_json(path, made.model_dump(mode="json"))
    return made


def paths(board: Path, name: str) -> tuple[Path, ...]:
    """The files of the records of a release, wherever they lie today.

    Raises:
        DataError: there is no such release, or it names what the board does not have.
    """
    path = path_of(board, name)
    release = read(path)
    places = {e.record: place for place, e in chain.places(board, chain.read(board)).items()}
    missing = [stem for stem, one in release.records.items() if one not in places]
    if missing:
        raise DataError(f"{path} names {missing[0]}, which is in no line of {board / chain.CHAIN}")
    return tuple(places[one] for one in release.records.values())


def problems(board: Path) -> Iterator[str]:
    """Releases that do not fit the chain: it was shortened or rewritten since."""
    entries = chain.read(board)
    for path in sorted((board / RELEASES).glob("*.json")):
        release = read(path)
        if release.name != path.stem:
            yield f"{path} is the release {release.name}: it was renamed or copied"
        if chain.head(entries[: release.entries]) != release.head:
            yield f"{path} knows another chain: {chain.CHAIN} was rewritten, or lines were removed"
        elif named(entries[: release.entries]) != release.records:
            yield f"{path} does not name the records of its chain: it was edited"
        elif release.date < entries[release.entries - 1].date:
            yield f"{path} is older than the last of its records: it was edited"
        if signatures.path_of(path).is_file() and (board / ALLOWED).is_file():
            try:
                signatures.signer(path, board / ALLOWED)
            except DataError as error:
                yield str(error)


def named(entries: Sequence[chain.ChainEntry]) -> dict[str, str]:
    """The digests of the records that none supersedes, by stem."""
    return {stem: entry.record for stem, entry in chain.current(entries).items()}
