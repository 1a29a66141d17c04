"""What lies in a store: how large it is, whether it is whole, and what nobody needs any more."""

import shutil
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from wsss_harness.contract.errors import DataError
from wsss_harness.store.layout import (
    APART,
    RECORDS,
    RESULTS,
    is_stage,
    lock_of,
    name_and_key,
    short,
)
from wsss_harness.store.manifest import MANIFEST, read_manifest
from wsss_harness.system.digests import digest_file
from wsss_harness.system.files import read_json
from wsss_harness.system.locks import Busy, exclusive


@dataclass(frozen=True)
class StoredStage:
    """A folder of a stage, finished or not."""

    folder: Path

    @property
    def kind(self) -> str:
        return self.folder.parent.name

    @cached_property
    def manifest(self) -> dict[str, Any] | None:
        """Its manifest; None where it is not finished or the manifest is no good."""
        try:
            return read_manifest(self.folder)
        except DataError:
            return None

    @property
    def key(self) -> str:
        return self.manifest["key"] if self.manifest else ""

    @property
    def title(self) -> str:
        name = self.manifest["recipe"]["name"] if self.manifest else self.folder.name
        return f"{self.kind} {name}"

    @cached_property
    def bytes(self) -> int:
        return sum(path.stat().st_size for path in self.folder.rglob("*") if path.is_file())

    @property
    def lock(self) -> Path:
        return lock_of(self.folder)


def stages(root: Path) -> list[StoredStage]:
    """All folders of stages in a store, by kind and name.

    Raises:
        DataError: there is no store.
    """
    if not root.is_dir():
        raise DataError(f"there is no store {root}; give the one of a run with --store")
    kinds = (folder for folder in sorted(root.iterdir()) if folder.name not in APART)
    folders = (f for kind in kinds if kind.is_dir() for f in sorted(kind.iterdir()) if f.is_dir())
    return [StoredStage(folder) for folder in folders if is_stage(folder)]


def suites_of(root: Path) -> dict[str, set[str]]:
    """The keys of the stages that the records of each results folder name.

    Raises:
        DataError: a record names none; so nothing that it needs is taken for unneeded.
    """
    found: dict[str, set[str]] = {}
    for path in sorted((root / RESULTS).glob(f"*/{RECORDS}/*.json")):
        found.setdefault(path.parents[1].name, set()).update(_named(path))
    return found


def _named(record: Path) -> set[str]:
    """The keys of the stages of a record: ``steps``, or ``stages`` in the first version."""
    content = read_json(record)
    try:
        steps = content.get("steps")
        keys = content["stages"].values() if steps is None else [step["key"] for step in steps]
        return set(keys)
    except (AttributeError, KeyError, TypeError):
        raise DataError(
            f"{record} does not say which stages it needs; delete it, or update wsss-bench if a "
            "newer version wrote it"
        ) from None


def damaged(kept: Iterable[StoredStage]) -> Iterator[tuple[StoredStage, str]]:
    """The finished stages whose files are not those of their manifest, each with what is wrong."""
    for one in kept:
        if (one.folder / MANIFEST).is_file():
            problem = damage(one.folder)
            if problem:
                yield one, problem


def damage(folder: Path) -> str | None:
    """What is wrong with the files of a finished stage."""
    try:
        files = read_manifest(folder)["files"]
    except DataError as error:
        return str(error)
    for name, wanted in files.items():
        if not (folder / name).is_file():
            return f"{folder / name} is gone"
        if digest_file(folder / name) != wanted:
            return f"{folder / name} was changed"
    return None


def unneeded(kept: Iterable[StoredStage], needed: Collection[str]) -> list[StoredStage]:
    """What has none of the needed keys; a stage that is not finished is known by its folder."""
    known = {short(key) for key in needed}
    return [one for one in kept if name_and_key(one.folder)[1] not in known]


def remove(kept: Iterable[StoredStage]) -> Iterator[StoredStage]:
    """Remove stages, the manifest first, so that a kill leaves none that looks whole.

    One that a run is making at the moment stays. Yields what was removed.
    """
    for one in kept:
        try:
            with exclusive(one.lock, wait=False):
                (one.folder / MANIFEST).unlink(missing_ok=True)
                shutil.rmtree(one.folder)
        except Busy:
            continue
        one.lock.unlink(missing_ok=True)
        yield one
