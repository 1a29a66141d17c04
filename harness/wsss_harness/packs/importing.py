"""Packs from folders that others made, each file checked against a dataset."""

from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Literal

import numpy as np

from wsss_harness.contract.errors import ConfigError, DataError
from wsss_harness.contract.supervision import Dataset
from wsss_harness.contract.types import ClassScores, Map
from wsss_harness.packs.doubts import Doubts
from wsss_harness.packs.exchange import Write, blank, write_pack
from wsss_harness.packs.manifest import MANIFEST, Kind, Manifest, Pack
from wsss_harness.stages.stage_data import TRAIN
from wsss_harness.system import pictures, score_files

Layout = Literal["pack", "masks", "maps"]
LAYOUTS: tuple[Layout, ...] = ("pack", "masks", "maps")
Pictures = dict[str, dict[int, Path]]  # files by image and class; a mask has the class 0


def import_folder(
    source: Path,
    layout: Layout,
    dataset: Dataset,
    folder: Path,
    method: str | None,
    stated: Sequence[str] | None,
    warn: Callable[[str], None] = lambda _: None,
) -> Manifest:
    """Check a folder that others made against a dataset, and write it as a pack.

    ``method`` names its row; by default it is the method of a pack, or the name of the folder.
    ``warn`` is told what may be wrong although it can be read.

    ``layout``: ``masks`` holds ID.png with class indices; ``maps`` holds ID_c.png with maps of
    the class c, counted from 0, as in clovaai/WSSS-BED; ``pack`` is a pack, to be checked. An ID
    with folders in it is a path below ``source``.

    Raises:
        DataError: a file is missing, belongs to no image or class, or is not valid; or no mask
            has a class of its image.
    """
    if not source.is_dir():
        raise DataError(f"{source} is not a folder")
    doubts = Doubts(dataset)
    if layout == "pack":
        pack = Pack(source)
        pack.refuse_other(dataset.classes, dataset.ids(TRAIN))
        write = pack_writer(pack, dataset, doubts)
        manifest = pack.manifest.model_copy(update={"method": method or pack.manifest.method})
    else:
        kind, write = _reader_of(source, layout, dataset, doubts)
        name = method or source.resolve().name
        manifest = blank(kind, name, dataset, stated, {"layout": layout})
    full = write_pack(folder, manifest, dataset.ids(TRAIN), dataset, write, doubts.refuse)
    for doubt in doubts.warnings():
        warn(doubt)
    return full


def _reader_of(
    source: Path, layout: Layout, dataset: Dataset, doubts: Doubts
) -> tuple[Kind, Write]:
    """What the pictures of a folder hold, and a function that writes it for an image."""
    if (source / MANIFEST).is_file():
        raise ConfigError(f"{source} is a pack already; import it with --layout pack")
    sources = (masks_by_id if layout == "masks" else maps_by_id)(source, dataset)
    missing = [image_id for image_id in dataset.ids(TRAIN) if image_id not in sources]
    if missing:
        raise DataError(
            f"{source} has nothing for image {missing[0]} of train ({len(missing)} such); expected "
            f"{missing[0]}{'' if layout == 'masks' else '_0'}.png"
        )
    if layout == "masks":
        return "masks", mask_writer(sources, dataset, doubts)
    return "scores", map_writer(sources, dataset, doubts)


def mask_writer(sources: Pictures, dataset: Dataset, doubts: Doubts) -> Write:
    """A function that writes the mask that the picture of an image holds."""

    def write(image_id: str, path: Path) -> None:
        file = sources[image_id][0]
        size = dataset.image(image_id).shape[:2]
        mask = pictures.read_class_mask(file, size, len(dataset.classes))
        doubts.look_at_colours(image_id, mask, file)
        doubts.look_at_classes(image_id, mask)
        pictures.write_mask(path, mask)

    return write


def map_writer(sources: Pictures, dataset: Dataset, doubts: Doubts) -> Write:
    """A function that writes the scores that the maps of an image hold."""

    def write(image_id: str, path: Path) -> None:
        size = dataset.image(image_id).shape[:2]
        maps = {n: pictures.read_map(file, size) for n, file in sources[image_id].items()}
        doubts.look_at_maps(maps.values())
        score_files.write_scores(path, as_scores(maps, size))

    return write


def pack_writer(pack: Pack, dataset: Dataset, doubts: Doubts) -> Write:
    """A function that writes the mask or the scores that a pack has of an image."""

    def write(image_id: str, path: Path) -> None:
        pack.check_size(image_id, dataset.image(image_id).shape[:2])
        if pack.manifest.kind == "masks":
            mask = pack.mask(image_id)
            doubts.look_at_classes(image_id, mask)
            pictures.write_mask(path, mask)
        else:
            score_files.write_scores(path, pack.scores(image_id))

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
    masks = pngs(source)
    for name, path in masks.items():
        refuse_stranger(path, name, ids)
    return {image_id: {0: path} for image_id, path in masks.items()}


def maps_by_id(source: Path, dataset: Dataset) -> Pictures:
    ids, classes = set(dataset.ids(TRAIN)), len(dataset.classes)
    by_class: Pictures = {image_id: {} for image_id in ids if not dataset.present(image_id)}
    for name, path in pngs(source).items():
        image_id, _, number = name.rpartition("_")
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


def pngs(source: Path) -> dict[str, Path]:
    """The PNG files below a folder, by their path in it without suffix.

    Raises:
        DataError: two files differ in how their suffix is spelled alone.
    """
    paths: dict[str, Path] = {}
    for path in sorted(path for path in source.rglob("*") if path.suffix.lower() == ".png"):
        name = path.relative_to(source).with_suffix("").as_posix()
        if paths.setdefault(name, path) != path:
            raise DataError(f"{paths[name]} and {path} are of one image; remove one of them")
    return paths


def refuse_stranger(path: Path, image_id: str, ids: Collection[str]) -> None:
    if image_id not in ids:
        raise DataError(
            f"{path} belongs to no image of train; remove it, or use its dataset's suite. A file "
            f"is named after its image, as {min(ids)}.png, folders included"
        )
