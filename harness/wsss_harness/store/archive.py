"""Finished stages as tar archives, to share them instead of making them again."""

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
from wsss_harness.system.similar import did_you_mean


def find_stage(stages: Sequence[StoredStage], name: str) -> StoredStage:
    """The only finished stage with this title or the start of its key.

    Raises:
        ConfigError: no stage matches, or several do.
    """
    finished = [stage for stage in stages if stage.manifest]
    matches = [stage for stage in finished if stage.title == name or stage.key.startswith(name)]
    if len(matches) == 1:
        return matches[0]
    choices = [f"{stage.title} ({short(stage.key)})" for stage in (matches or finished)]
    problem = f"{len(matches)} finished stages are" if matches else "no finished stage is"
    raise ConfigError(
        f"{problem} named '{name}'; give the first letters of a key{did_you_mean(name, choices)}"
    )


def export_stage(stage: StoredStage, archive: Path) -> None:
    """Write a finished stage as a tar archive; DataError if one of its files is damaged."""
    problem = damage(stage.folder)
    if problem:
        raise DataError(f"{stage.title} is not exported: {problem}")
    names = [*read_manifest(stage.folder)["files"], MANIFEST, LOG]
    names += [f"{LEDGER}/{path.name}" for path in (stage.folder / LEDGER).glob("*")]
    with atomic(archive) as temporary, tarfile.open(temporary, "w") as tar:
        for name in names:
            if (stage.folder / name).is_file():
                tar.add(stage.folder / name, f"{stage.kind}/{stage.folder.name}/{name}")


def import_stage(archive: Path, root: Path) -> StoredStage:
    """Put the stage of an archive into the store ``root``, unless it is there already.

    Raises:
        DataError: the file is not such an archive, has a path outside it, or holds a file that does
            not match its manifest.
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
            raise DataError(
                f"{archive} has {len(folders)} stages; expected one, as wsss store exports it"
            )
        return _move_into_store(folders[0], archive, root)


def _move_into_store(folder: Path, archive: Path, root: Path) -> StoredStage:
    problem = damage(folder)
    if problem:
        raise DataError(f"{archive} is not imported: {problem}")
    manifest = read_manifest(folder)
    recipe = manifest["recipe"]
    stage = StoredStage(folder_of(root, recipe["kind"], recipe["name"], manifest["key"]))
    if stage.folder.relative_to(root) != folder.relative_to(folder.parents[1]):
        raise DataError(f"{archive} is not imported: its folder does not match its manifest")
    stage.folder.parent.mkdir(exist_ok=True)
    with exclusive(stage.lock, wait=True):
        if not (stage.folder / MANIFEST).is_file():
            if stage.folder.exists():  # begun but not finished
                shutil.rmtree(stage.folder)
            folder.rename(stage.folder)
    return stage
