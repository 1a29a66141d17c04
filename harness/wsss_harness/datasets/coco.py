"""MS-COCO 2014 from its own annotation files, with the 80 classes of its instances."""

import json
import sqlite3
import sys
import warnings
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
import xxhash
from numpy.typing import NDArray

from wsss_harness.contract.errors import ConfigError, DataError
from wsss_harness.contract.hookspecs import Run
from wsss_harness.contract.supervision import IMAGE_LABELS, SALIENCY, Dataset
from wsss_harness.contract.types import IGNORE, Image, Map, Mask
from wsss_harness.system import files
from wsss_harness.system.digests import digest_files

INDEX = "index.sqlite"
SPLITS = ("train", "val")


@dataclass(frozen=True)
class Coco14:
    """A folder with train2014, val2014 and annotations. Paths are relative to ``root`` or absolute.

    ``train``, ``val``: folders of images; ``train_annotations``, ``val_annotations``: files of
    instances. ``train_list``, ``val_list``: files of image ids, one a line, as
    COCO_train2014_000000000009; without them all images with an annotation (82,081 and 40,137).
    ``saliency``: a folder of maps ID.png. ``masks``: a folder of masks ID.png to take as truth
    instead of the instances.

    ``overlap``: where instances overlap, the ``last`` of the file covers those before it, as in
    nightrome/cocostuffapi, or the ``smallest`` covers the larger ones. ``crowd``: whether a region
    of many objects is of its ``class``, or 255 (``ignore``).
    """

    root: str
    train: str = "train2014"
    val: str = "val2014"
    train_annotations: str = "annotations/instances_train2014.json"
    val_annotations: str = "annotations/instances_val2014.json"
    train_list: str | None = None
    val_list: str | None = None
    saliency: str = "saliency"
    masks: str | None = None
    overlap: Literal["last", "smallest"] = "last"
    crowd: Literal["class", "ignore"] = "class"

    def path(self, part: str) -> Path:
        return Path(self.root) / str(getattr(self, part))

    def identity(self) -> dict[str, Any]:
        """What decides the data: annotations and lists by content, pictures by name and size.

        Reading 20 GB for each command would cost more than it tells of published pictures.
        """
        parts = ("train_annotations", "val_annotations", "train_list", "val_list")
        texts = [self.path(part) for part in parts if getattr(self, part)]
        self.check(texts)
        folders = [self.path("train"), self.path("val"), self.path("saliency")]
        folders += [self.path("masks")] if self.masks else []
        contents = digest_files(texts, str(Path(self.root).resolve()))
        listed = [_listed(folder) for folder in folders]
        return {"content": [*contents, *listed], "overlap": self.overlap, "crowd": self.crowd}

    def check(self, paths: Iterable[Path]) -> None:
        if not Path(self.root).is_dir():
            raise DataError(f"dataset root {self.root} is not a folder; set dataset.root")
        for path in paths:
            if not path.is_file():
                raise DataError(f"{path} is missing; see the options of the dataset coco14")

    def prepare(self, run: Run) -> None:
        """Write an index of images and annotations, so that no process reads the JSON again."""
        with files.atomic(run.folder / INDEX) as path, closing(sqlite3.connect(path)) as index:
            index.executescript(TABLES)
            for split in SPLITS:
                _fill(index, split, _content(self.path(f"{split}_annotations")))
            index.commit()

    def open(self, folder: Path) -> Dataset:
        return Coco(self, folder / INDEX)


TABLES = """
CREATE TABLE classes (category INTEGER PRIMARY KEY, name TEXT);
CREATE TABLE images (
    number INTEGER PRIMARY KEY, split TEXT, id TEXT UNIQUE, height INT, width INT, categories TEXT
);
CREATE TABLE instances (
    place INTEGER PRIMARY KEY, image INT, category INT, crowd INT, area REAL, outline TEXT
);
CREATE INDEX of_image ON instances (image);
"""


def _content(path: Path) -> Mapping[str, Any]:
    """An annotation file; DataError names it and what it lacks."""
    content: Mapping[str, Any] = files.read_json(path)
    for key in ("images", "annotations", "categories"):
        if not isinstance(content, Mapping) or not isinstance(content.get(key), list):
            raise DataError(f"{path} has no list '{key}'; expected instances in COCO's format")
    return content


def _fill(index: sqlite3.Connection, split: str, content: Mapping[str, Any]) -> None:
    try:
        categories = [(one["id"], one["name"]) for one in content["categories"]]
        images = [
            (one["id"], split, Path(one["file_name"]).stem, one["height"], one["width"])
            for one in content["images"]
        ]
        instances = [
            (
                one["image_id"],
                one["category_id"],
                one.get("iscrowd", 0),
                one["area"],
                json.dumps(one["segmentation"], separators=(",", ":")),
            )
            for one in content["annotations"]
        ]
    except (KeyError, TypeError) as error:
        raise DataError(
            f"the annotations of {split} lack {error}; expected COCO's format"
        ) from None
    _refuse_strangers(split, categories, images, instances)
    present: dict[int, set[int]] = {}
    for image, category, *_ in instances:
        present.setdefault(image, set()).add(category)
    rows = ((*one, " ".join(map(str, sorted(present.get(one[0], ()))))) for one in images)
    index.executemany("INSERT OR IGNORE INTO classes VALUES (?, ?)", categories)
    try:
        index.executemany("INSERT INTO images VALUES (?, ?, ?, ?, ?, ?)", rows)
    except sqlite3.IntegrityError:
        raise DataError(
            f"an image of {split} is listed twice, or is in train as well; a segmentor would be "
            "scored on what it was trained on"
        ) from None
    index.executemany("INSERT INTO instances VALUES (NULL, ?, ?, ?, ?, ?)", instances)


def _refuse_strangers(
    split: str,
    categories: list[tuple[Any, ...]],
    images: list[tuple[Any, ...]],
    instances: list[tuple[Any, ...]],
) -> None:
    numbers, known = {one[0] for one in images}, {one[0] for one in categories}
    for image, category, *_ in instances:
        if image not in numbers:
            raise DataError(f"an annotation of {split} is of image {image}, which is not listed")
        if category not in known:
            raise DataError(
                f"an annotation of {split} is of category {category}, which has no name"
            )


def _listed(folder: Path) -> str:
    """A digest of the names and sizes of the files of a folder; of nothing, where it is missing."""
    digest = xxhash.xxh3_128()
    if folder.is_dir():
        for path in sorted(folder.iterdir()):
            digest.update(f"{path.name} {path.stat().st_size}\n".encode())
    return digest.hexdigest()


class Known(NamedTuple):
    """What is known of an image without looking at it."""

    split: str
    height: int
    width: int
    present: tuple[int, ...]


@dataclass(frozen=True)
class Coco:
    """An opened Coco14. Instances are drawn when the truth of their image is asked for."""

    layout: Coco14
    index: Path
    names: tuple[str, ...] = field(init=False)
    numbers: Mapping[int, int] = field(init=False, repr=False)
    splits: Mapping[str, tuple[str, ...]] = field(init=False, repr=False)
    images: Mapping[str, Known] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        with self._opened() as index:
            categories = index.execute("SELECT * FROM classes ORDER BY category").fetchall()
            object.__setattr__(self, "names", tuple(name for _, name in categories))
            numbers = {category: place for place, (category, _) in enumerate(categories, 1)}
            object.__setattr__(self, "numbers", numbers)
            object.__setattr__(self, "images", dict(self._known(index)))
        object.__setattr__(self, "splits", {split: self._ids(split) for split in SPLITS})

    def _opened(self) -> "closing[sqlite3.Connection]":
        if not self.index.is_file():
            raise DataError(f"{self.index} is missing; the dataset has not been prepared")
        return closing(sqlite3.connect(f"file:{self.index}?mode=ro&immutable=1", uri=True))

    def _known(self, index: sqlite3.Connection) -> Iterator[tuple[str, Known]]:
        rows = index.execute("SELECT id, split, height, width, categories FROM images ORDER BY id")
        for image_id, split, height, width, categories in rows:
            present = tuple(sorted(self.numbers[int(one)] for one in categories.split()))
            yield image_id, Known(split, height, width, present)

    def _ids(self, split: str) -> tuple[str, ...]:
        known = {one: image for one, image in self.images.items() if image.split == split}
        if getattr(self.layout, f"{split}_list") is None:
            ids = tuple(image_id for image_id, image in known.items() if image.present)
        else:
            ids = self._list(self.layout.path(f"{split}_list"), known)
        if not ids:
            raise DataError(f"{self.layout.root}: no image of {split} has an annotation")
        return ids

    def _list(self, path: Path, known: Collection[str]) -> tuple[str, ...]:
        ids = tuple(path.read_text(encoding="utf-8").split())
        if strange := [image_id for image_id in ids if image_id not in known]:
            raise DataError(
                f"{path} lists {strange[0]} ({len(strange)} such), which the annotations do not "
                "have; ids are names of image files without their ending"
            )
        return ids

    @property
    def classes(self) -> tuple[str, ...]:
        return self.names

    @property
    def contexts(self) -> tuple[tuple[str, str], ...]:
        return ()

    @property
    def supervision(self) -> frozenset[str]:
        found = self.layout.path("saliency").is_dir()
        return frozenset({IMAGE_LABELS, SALIENCY} if found else {IMAGE_LABELS})

    def ids(self, split: str) -> tuple[str, ...]:
        try:
            return self.splits[split]
        except KeyError:
            raise DataError(f"no split named '{split}'; there are {', '.join(SPLITS)}") from None

    def image(self, image_id: str) -> Image:
        return files.read_image(self.layout.path(self.images[image_id].split) / f"{image_id}.jpg")

    def present(self, image_id: str) -> tuple[int, ...]:
        return self.images[image_id].present

    def saliency(self, image_id: str) -> Map:
        path = self.layout.path("saliency") / f"{image_id}.png"
        grey = files.of_size(files.read_grey(path), self.size(image_id), path)
        return files.as_map(grey)

    def size(self, image_id: str) -> tuple[int, int]:
        _, height, width, _ = self.images[image_id]
        return height, width

    def truth(self, image_id: str) -> Mask:
        if self.layout.masks:
            path = self.layout.path("masks") / f"{image_id}.png"
            mask = files.of_size(files.read_mask(path), self.size(image_id), path)
            return files.of_classes(mask, len(self.classes), path)
        with self._opened() as index:
            instances = index.execute(
                "SELECT category, crowd, area, outline FROM instances JOIN images "
                "ON instances.image = images.number WHERE id = ? ORDER BY place",
                (image_id,),
            ).fetchall()
        if self.layout.overlap == "smallest":
            instances.sort(key=lambda one: -one[2])
        truth = np.zeros(self.size(image_id), np.uint8)
        for category, crowd, _, outline in instances:
            ignored = crowd and self.layout.crowd == "ignore"
            inside = drawn(json.loads(outline), truth.shape, image_id)
            truth[inside] = IGNORE if ignored else self.numbers[category]
        return truth

    def context(self, image_id: str) -> dict[str, NDArray[np.bool_] | None]:
        return {}

    def fingerprint(self) -> str:
        return xxhash.xxh3_128_hexdigest(json.dumps(self.layout.identity()).encode())


def drawn(outline: Any, size: tuple[int, ...], image_id: str) -> NDArray[np.bool_]:
    """The pixels of an instance: polygons, or run lengths as COCO stores crowds, by pycocotools.

    Raises:
        ConfigError: pycocotools is missing.
        DataError: the outline is not in COCO's format.
    """
    try:
        inside = _decoded(outline, size)
    except ConfigError:
        raise
    except Exception as error:  # pycocotools raises whatever its C code meets
        raise DataError(
            f"image {image_id} has an outline that cannot be drawn ({error}); get the annotation "
            "file again"
        ) from None
    if inside.shape != size:
        raise DataError(f"image {image_id} is {size}, an outline in it is {inside.shape}")
    return inside


def _decoded(outline: Any, size: tuple[int, ...]) -> NDArray[np.bool_]:
    masks = library()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # it speaks to numpy 1
        if isinstance(outline, list):
            encoded = masks.merge(masks.frPyObjects(outline, *size))
        elif isinstance(outline["counts"], list):
            encoded = masks.frPyObjects(outline, *size)
        else:
            encoded = outline
        inside: NDArray[np.bool_] = masks.decode(encoded).astype(bool)
    return inside


def library() -> Any:
    """pycocotools.mask; ConfigError with the line that installs it where it is missing."""
    try:
        from pycocotools import mask
    except ImportError as error:
        raise ConfigError(
            f"the dataset coco14 draws instances with pycocotools ({error}). Install it by: "
            f"{sys.executable} -m pip install 'wsss-bench[coco]', or set dataset.masks"
        ) from None
    return mask
