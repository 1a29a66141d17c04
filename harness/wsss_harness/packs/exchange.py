"""Packs from finished rows, and from folders that others made."""

import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Literal

import numpy as np

from wsss_harness.contract.errors import ConfigError, DataError
from wsss_harness.contract.supervision import SUPERVISION, Dataset
from wsss_harness.contract.types import ClassScores, Map
from wsss_harness.packs.manifest import MANIFEST, SUFFIXES, Kind, Manifest, Pack, PackFile, digest
from wsss_harness.store.store import Store
from wsss_harness.suite.rows import RowStages, chosen_on
from wsss_harness.system import files, pictures, score_files

Layout = Literal["pack", "masks", "maps"]
LAYOUTS: tuple[Layout, ...] = ("pack", "masks", "maps")
TRAIN = "train"
Write = Callable[[str, Path], None]  # (image id, where its file goes)
Pictures = dict[str, dict[int, Path]]  # files by image and class; a mask has the class 0


def write_pack(
    folder: Path, manifest: Manifest, ids: Sequence[str], dataset: Dataset, write: Write
) -> Manifest:
    """Write a file for each id, then the manifest with their sizes and digests."""
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
    unknown = sorted(set(supervision or ()) - SUPERVISION)
    if unknown:
        kinds = ", ".join(sorted(SUPERVISION))
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
        if stage.kind in ("fit", "score", "refine", "mask"):
            kinds |= {*store.manifest(stage)["read"], *stage.note.get("stated", ())}
            waiting += stage.inputs.values()
    return None if "unknown" in kinds else sorted(kinds)


def import_folder(
    source: Path,
    layout: Layout,
    dataset: Dataset,
    folder: Path,
    method: str | None,
    stated: Sequence[str] | None,
) -> Manifest:
    """Check a folder that others made against a dataset, and write it as a pack.

    ``method`` names its row; by default it is the method of a pack, or the name of the folder.

    ``layout``: ``masks`` holds ID.png with class indices; ``maps`` holds ID_c.png with maps of
    the class c, counted from 0, as in clovaai/WSSS-BED; ``pack`` is a pack, to be checked.

    Raises:
        DataError: a file is missing, belongs to no image or class, or is not valid.
    """
    if not source.is_dir():
        raise DataError(f"{source} is not a folder")
    if layout == "pack":
        return _import_pack(source, dataset, folder, method)
    if (source / MANIFEST).is_file():
        raise ConfigError(f"{source} is a pack already; import it with --layout pack")
    kind: Kind = "masks" if layout == "masks" else "scores"
    sources = (masks_by_id if layout == "masks" else maps_by_id)(source, dataset)
    missing = [image_id for image_id in dataset.ids(TRAIN) if image_id not in sources]
    if missing:
        raise DataError(
            f"{source} has nothing for image {missing[0]} of train ({len(missing)} such)"
        )
    name = method or source.resolve().name
    manifest = blank(kind, name, dataset, stated, {"layout": layout})
    write = writer(kind, sources, dataset)
    return write_pack(folder, manifest, dataset.ids(TRAIN), dataset, write)


def writer(kind: Kind, sources: Pictures, dataset: Dataset) -> Write:
    """A function that writes the mask or the scores that the pictures of an image hold."""

    def write(image_id: str, path: Path) -> None:
        size = dataset.image(image_id).shape[:2]
        if kind == "masks":
            mask = pictures.read_class_mask(sources[image_id][0], size, len(dataset.classes))
            pictures.write_mask(path, mask)
        else:
            maps = {n: pictures.read_map(file, size) for n, file in sources[image_id].items()}
            score_files.write_scores(path, as_scores(maps, size))

    return write


def as_scores(maps: Mapping[int, Map], size: tuple[int, ...]) -> ClassScores:
    """Maps by class 1..C as scores; an image without objects has none."""
    classes = tuple(sorted(maps))
    values = np.zeros((len(classes), *size), np.float32)
    for place, number in enumerate(classes):
        values[place] = maps[number]
    return ClassScores(classes, values)


def masks_by_id(source: Path, dataset: Dataset) -> Pictures:
    ids = set(dataset.ids(TRAIN))
    masks: Pictures = {}
    for path in pngs(source):
        refuse_stranger(path, path.stem, ids)
        masks[path.stem] = {0: path}
    return masks


def maps_by_id(source: Path, dataset: Dataset) -> Pictures:
    ids, classes = set(dataset.ids(TRAIN)), len(dataset.classes)
    by_class: Pictures = {image_id: {} for image_id in ids if not dataset.present(image_id)}
    for path in pngs(source):
        image_id, _, number = path.stem.rpartition("_")
        refuse_stranger(path, image_id, ids)
        if not number.isdecimal() or int(number) >= classes:
            raise DataError(
                f"{path}: '{number}' is not a class; names are ID_c.png with c in 0..{classes - 1}"
            )
        maps = by_class.setdefault(image_id, {})
        if int(number) + 1 in maps:
            other = maps[int(number) + 1].name
            raise DataError(f"{path} and {other} are of one class and image; remove one of them")
        maps[int(number) + 1] = path
    return by_class


def pngs(source: Path) -> list[Path]:
    return sorted(path for path in source.iterdir() if path.suffix.lower() == ".png")


def refuse_stranger(path: Path, image_id: str, ids: set[str]) -> None:
    if image_id not in ids:
        raise DataError(
            f"{path} belongs to no image of train; remove it, or use its dataset's suite"
        )


def _import_pack(source: Path, dataset: Dataset, folder: Path, method: str | None) -> Manifest:
    pack = Pack(source)
    pack.refuse_other(dataset.classes, dataset.ids(TRAIN))

    def write(image_id: str, path: Path) -> None:
        pack.check_size(image_id, dataset.image(image_id).shape[:2])
        if pack.manifest.kind == "masks":
            pictures.write_mask(path, pack.mask(image_id))
        else:
            score_files.write_scores(path, pack.scores(image_id))

    manifest = pack.manifest.model_copy(update={"method": method or pack.manifest.method})
    return write_pack(folder, manifest, dataset.ids(TRAIN), dataset, write)
