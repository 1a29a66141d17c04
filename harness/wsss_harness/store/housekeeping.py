"""The stages in a store: their sizes, damaged ones, and ones that no suite needs."""

import shutil
from collections.abc import Collection, Iterable, Iterator
from contextlib import suppress
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
    """The folder of a stage, which may be unfinished."""

    folder: Path

    @property
    def kind(self) -> str:
        return self.folder.parent.name

    @cached_property
    def manifest(self) -> dict[str, Any] | None:
        """The manifest; None if the stage is unfinished or the manifest is invalid."""
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
    """All stages in a store, ordered by kind and name.

    Raises:
        DataError: there is no store.
    """
    if not root.is_dir():
        raise DataError(f"there is no store {root}; name the store of a run with --store")
    kinds = (folder for folder in sorted(root.iterdir()) if folder.name not in APART)
    folders = (f for kind in kinds if kind.is_dir() for f in sorted(kind.iterdir()) if f.is_dir())
    return [StoredStage(folder) for folder in folders if is_stage(folder)]


def suites_of(root: Path) -> dict[str, set[str]]:
    """The keys of the stages that the records in each results folder need.

    Raises:
        DataError: a record does not name its stages, which might then be removed as unneeded.
    """
    keys: dict[str, set[str]] = {}
    for path in sorted((root / RESULTS).glob(f"*/{RECORDS}/*.json")):
        keys.setdefault(path.parents[1].name, set()).update(_keys_of(path))
    return keys


def _keys_of(record: Path) -> set[str]:
    """The keys in a record: under ``steps``, or under ``stages`` in the first version."""
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


def damaged(stored: Iterable[StoredStage]) -> Iterator[tuple[StoredStage, str]]:
    """The finished stages whose files do not match their manifest, each with the problem."""
    for stage in stored:
        if (stage.folder / MANIFEST).is_file() and (problem := damage(stage.folder)):
            yield stage, problem


def damage(folder: Path) -> str | None:
    """What is wrong with the files of a finished stage; None if nothing is."""
    try:
        files = read_manifest(folder)["files"]
    except DataError as error:
        return str(error)
    for name, expected in files.items():
        if not (folder / name).is_file():
            return f"{folder / name} is missing"
        if digest_file(folder / name) != expected:
            return f"{folder / name} was changed"
    return None


def unneeded(stored: Iterable[StoredStage], needed: Collection[str]) -> list[StoredStage]:
    """The stages without any of the needed keys; folder names hold keys of unfinished ones too."""
    short_keys = {short(key) for key in needed}
    return [stage for stage in stored if name_and_key(stage.folder)[1] not in short_keys]


def remove(stored: Iterable[StoredStage]) -> Iterator[StoredStage]:
    """Remove stages, except those that a run is making, and yield the removed ones.

    The manifest goes first, so that an interrupted removal leaves no stage that looks finished.
    """
    for stage in stored:
        try:
            with exclusive(stage.lock, wait=False, patience=0):
                (stage.folder / MANIFEST).unlink(missing_ok=True)
                shutil.rmtree(stage.folder)
        except Busy:
            continue
        stage.lock.unlink(missing_ok=True)
        yield stage


def withdraw(folder: Path, root: Path, besides: str) -> None:
    """Remove a stage with no file ``besides`` that one, and the folders that are then empty."""
    if {*read_manifest(folder)["files"]} <= {besides}:
        list(remove([StoredStage(folder)]))
        for parent in (folder.parent, root):
            with suppress(OSError):
                parent.rmdir()
