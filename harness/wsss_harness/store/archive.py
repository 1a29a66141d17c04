"""Finished stages as archives, for a colleague or a cluster that need not make them again."""

import shutil
import tarfile
import tempfile
from collections.abc import Sequence
from pathlib import Path

from wsss_harness.contract.errors import ConfigError, DataError
from wsss_harness.store.housekeeping import StoredStage, damage
from wsss_harness.store.layout import folder_of, short
from wsss_harness.store.manifest import LEDGER, MANIFEST, read_manifest
from wsss_harness.store.work import LOG
from wsss_harness.system.files import atomic
from wsss_harness.system.locks import exclusive


def chosen(kept: Sequence[StoredStage], wanted: str) -> StoredStage:
    """The one finished stage whose key begins like this, or that has this title.

    Raises:
        ConfigError: there is none, or there are several.
    """
    finished = [one for one in kept if one.manifest]
    found = [one for one in finished if one.title == wanted or one.key.startswith(wanted)]
    if len(found) == 1:
        return found[0]
    these = found or finished
    listed = ", ".join(f"{one.title} ({short(one.key)})" for one in these[:12])
    what = f"{len(found)} finished stages are" if found else "no finished stage is"
    raise ConfigError(f"{what} called '{wanted}'; give the first letters of a key: {listed}")


def export_stage(one: StoredStage, archive: Path) -> None:
    """Write a finished stage as a tar archive; DataError if a file of it is damaged."""
    problem = damage(one.folder)
    if problem:
        raise DataError(f"{one.title} is not exported: {problem}")
    names = [*read_manifest(one.folder)["files"], MANIFEST, LOG]
    names += [f"{LEDGER}/{path.name}" for path in (one.folder / LEDGER).glob("*")]
    with atomic(archive) as temporary, tarfile.open(temporary, "w") as tar:
        for name in names:
            if (one.folder / name).is_file():
                tar.add(one.folder / name, f"{one.kind}/{one.folder.name}/{name}")


def import_stage(archive: Path, root: Path) -> StoredStage:
    """Put the stage of an archive into a store, unless it is there already.

    Raises:
        DataError: it is no such archive, a path leads out of it, or a file is not what its manifest
            says.
    """
    root.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".import-", dir=root) as scratch:
        try:
            with tarfile.open(archive, "r:") as tar:
                tar.extractall(scratch, filter="data")
        except (tarfile.TarError, OSError) as error:
            raise DataError(f"{archive} is not imported: {error}") from None
        folders = [path.parent for path in Path(scratch).glob(f"*/*/{MANIFEST}")]
        if len(folders) != 1:
            raise DataError(f"{archive} has {len(folders)} stages; expected one, from wsss store")
        return _placed(folders[0], archive, root)


def _placed(folder: Path, archive: Path, root: Path) -> StoredStage:
    problem = damage(folder)
    if problem:
        raise DataError(f"{archive} is not imported: {problem}")
    manifest = read_manifest(folder)
    recipe = manifest["recipe"]
    place = StoredStage(folder_of(root, recipe["kind"], recipe["name"], manifest["key"]))
    if place.folder.relative_to(root) != folder.relative_to(folder.parents[1]):
        raise DataError(f"{archive} is not imported: its folder is not that of its manifest")
    place.folder.parent.mkdir(exist_ok=True)
    with exclusive(place.lock, wait=True):
        if not (place.folder / MANIFEST).is_file():
            _replace(folder, place.folder)
    return place


def _replace(folder: Path, place: Path) -> None:
    if place.exists():  # begun and not finished
        shutil.rmtree(place)
    folder.rename(place)
