"""Packs from finished rows."""

import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from wsss_harness.contract.errors import ConfigError
from wsss_harness.contract.kinds import STATED
from wsss_harness.contract.supervision import Dataset
from wsss_harness.packs.manifest import MANIFEST, SUFFIXES, Kind, Manifest, PackFile, digest
from wsss_harness.stages.stage_data import TRAIN
from wsss_harness.store.store import Store
from wsss_harness.suite.rows import RowStages, chosen_on
from wsss_harness.system import files

Write = Callable[[str, Path], None]  # (image id, where its file goes)


def write_pack(
    folder: Path,
    manifest: Manifest,
    ids: Sequence[str],
    dataset: Dataset,
    write: Write,
    refuse: Callable[[], None] = lambda: None,
) -> Manifest:
    """Write a file for each id, then the manifest with their sizes and digests.

    ``refuse`` may raise an error once all files are written; without a manifest they are no pack.
    """
    if folder.exists() and any(folder.iterdir()):
        raise ConfigError(f"{folder} is not empty; name a new folder")
    entries = {}
    try:
        for image_id in ids:
            name = f"{manifest.kind}/{image_id}{SUFFIXES[manifest.kind]}"
            write(image_id, folder / name)
            size = dataset.image(image_id).shape[:2]
            content = (folder / name).read_bytes()
            entries[image_id] = PackFile(file=name, sha256=digest(content), size=size)
        refuse()
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)  # half a pack is none
        raise
    full = manifest.model_copy(update={"images": entries})
    files.write_json(folder / MANIFEST, full.model_dump(mode="json"))
    return full


def blank(
    kind: Kind,
    method: str,
    dataset: Dataset,
    supervision: Sequence[str] | None,
    origin: Mapping[str, str],
    chosen_on: str = "unknown",
) -> Manifest:
    """A manifest without images; ConfigError for an unknown supervision."""
    unknown = sorted(set(supervision or ()) - set(STATED))
    if unknown:
        kinds = ", ".join(STATED)
        raise ConfigError(f"'{unknown[0]}' is not a supervision; name some of {kinds}")
    return Manifest.model_validate(
        {
            "kind": kind,
            "method": method,
            "classes": dataset.classes,
            "supervision": supervision,
            "chosen_on": None if chosen_on == "unknown" else chosen_on,
            "origin": dict(origin),
            "images": {},
        }
    )


def export_row(
    row: RowStages, store: Store, dataset: Dataset, kind: Kind, folder: Path
) -> Manifest:
    """The masks or scores of a row that was run, as a pack.

    Raises:
        ConfigError: the row has not been run, or has no scores.
    """
    stage = row.masks if kind == "masks" else row.scores
    if stage is None or not store.done(stage):
        raise ConfigError(
            f"the {kind} of '{row.row.method}', seed {row.seed}, are not in {store.root}; run the "
            "suite first, with the same --store and --set"
        )
    origin = {"seed": str(row.seed), "stage": stage.key, "rule": row.row.rule.name}
    used = supervision(row, store)
    manifest = blank(kind, row.row.method, dataset, used, origin, chosen_on(row))
    write = copier(store.folder(stage), kind)
    return write_pack(folder, manifest, dataset.ids(TRAIN), dataset, write)


def copier(source: Path, kind: Kind) -> Write:
    """A function that copies the file of an image from a stage's folder."""

    def copy(image_id: str, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source / f"{image_id}{SUFFIXES[kind]}", path)

    return copy


def supervision(row: RowStages, store: Store) -> list[str] | None:
    """What the stages up to the masks have read, and what a pack among them states."""
    kinds: set[str] = set()
    waiting = [row.masks]
    while waiting:
        stage = waiting.pop()
        if stage.kind in ("fit", "score", "refine", "mask", "remask"):
            kinds |= {*store.manifest(stage)["read"], *stage.note.get("stated", ())}
            waiting += stage.inputs.values()
    return None if "unknown" in kinds else sorted(kinds)
