"""Whose results a folder holds: each belongs to one suite file, changes of it and one dataset.

A suite is known by its path as seen from the folders of results, so that both may move together,
or by its name if it comes with the harness.
"""

import json
import os
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from itertools import chain, count
from pathlib import Path, PurePosixPath

import xxhash

from wsss_harness.contract.errors import DataError
from wsss_harness.store.layout import RECORDS, RESULTS, create, lock_of
from wsss_harness.system import locks
from wsss_harness.system.files import configs, read_json, write_json

OWNER = "suite.json"
SHIPPED = "wsss-bench"  # in place of the folder of suites that come with the harness
AT = "@"  # separates the suite from the dataset in names of results; not allowed in datasets


@dataclass(frozen=True)
class Owner:
    """A suite file with the ``digest`` of its content, its overrides and selections, a dataset."""

    suite: str
    digest: str = ""
    changes: tuple[str, ...] = ()
    dataset: str = ""

    @property
    def name(self) -> str:
        """The name of the folder, unless another suite has it already."""
        name = PurePosixPath(self.suite).stem
        if self.changes:
            name += "-" + xxhash.xxh3_64_hexdigest("\n".join(self.changes).encode())[:6]
        return name + (AT + self.dataset) * bool(self.dataset)

    def same_as(self, other: "Owner") -> bool:
        return replace(self, digest="") == replace(other, digest="")

    def was(self, earlier: "Owner", root: Path) -> bool:
        """Whether this is a suite of the same name and content that was moved here."""
        moved = earlier.suite != self.suite and not earlier.is_shipped
        gone = moved and not os.path.lexists(root / RESULTS / earlier.suite)
        return gone and earlier.name == self.name and replace(self, suite=earlier.suite) == earlier

    @property
    def is_shipped(self) -> bool:
        return PurePosixPath(self.suite).parts[0] == SHIPPED


def owner_of(path: Path, root: Path, changes: tuple[str, ...] = (), dataset: str = "") -> Owner:
    """The suite file at ``path``, which may be missing, as an owner of results in the store."""
    real = path.resolve()
    shipped = real.parent == (configs() / "suites").resolve()
    seen = os.path.relpath(real, (root / RESULTS).resolve())
    suite = f"{SHIPPED}/{real.name}" if shipped else Path(seen).as_posix()
    return Owner(suite, _digest(real), changes, dataset)


def _digest(suite: Path) -> str:
    return xxhash.xxh3_128_hexdigest(suite.read_bytes()) if suite.is_file() else ""


def edited(folder: Path) -> Path | None:
    """The suite whose results a folder holds, if its content is not that of the last run."""
    owner = read(folder)
    if owner is None or not owner.digest:
        return None
    name = PurePosixPath(owner.suite).name
    path = (
        configs() / "suites" / name if owner.is_shipped else folder.resolve().parent / owner.suite
    )
    return path if _digest(path) not in ("", owner.digest) else None


def seen(suite: str, root: Path) -> str:
    """The path of an owner's suite as seen from the current folder."""
    shipped = Owner(suite).is_shipped
    return suite if shipped else os.path.relpath((root / RESULTS).resolve() / suite)


def folders(root: Path) -> Iterator[tuple[Path, Owner | None]]:
    """The folders of results in a store; those of older versions name no owner."""
    for folder in sorted(filter(Path.is_dir, (root / RESULTS).glob("*"))):
        yield folder, read(folder)


def read(folder: Path) -> Owner | None:
    """The owner of a folder of results; DataError if the file that names it is damaged."""
    path = folder / OWNER
    if not path.is_file():
        return None
    content = read_json(path)
    try:
        return Owner(
            str(content["suite"]), content["digest"], tuple(content["changes"]), content["dataset"]
        )
    except (TypeError, KeyError):
        raise DataError(
            f"{path} does not say whose results these are: {json.dumps(content)[:80]}; delete "
            f"{folder} and run its suite again, which makes no stage anew"
        ) from None


def find(owner: Owner, root: Path, holds_results: Callable[[Path], bool]) -> Path | None:
    """The folder with the results of ``owner``, if there is one.

    ``holds_results`` decides whether a folder of that name without an owner holds them.
    """
    owned = {folder: whose for folder, whose in folders(root) if whose}
    same = (folder for folder, whose in owned.items() if owner.same_as(whose))
    moved = (folder for folder, whose in owned.items() if owner.was(whose, root))
    plain = root / RESULTS / owner.name
    older = [plain] if plain not in owned and plain.is_dir() and holds_results(plain) else []
    return next(chain(same, moved, older), None)


def free(owner: Owner, root: Path) -> Path:
    """A folder for the results of ``owner`` that holds nobody's: NAME, or else NAME~2, NAME~3."""
    names = chain([owner.name], (f"{owner.name}~{number}" for number in count(2)))
    places = (root / RESULTS / name for name in names)
    return next(place for place in places if not is_taken(place))


def is_taken(folder: Path) -> bool:
    return (folder / OWNER).is_file() or any(folder.glob(f"{RECORDS}/*.json"))


def claim(owner: Owner, root: Path, holds_results: Callable[[Path], bool]) -> Path:
    """The folder for the results of ``owner``, which is made if it has none yet."""
    create(root / RESULTS, root)
    with locks.exclusive(lock_of(root / RESULTS), wait=True):
        folder = find(owner, root, holds_results) or free(owner, root)
        create(folder, root)
        if read(folder) != owner:
            write_json(folder / OWNER, asdict(owner))
    return folder
