"""MS-COCO 2014 from its own annotation files, with the 80 classes of its instances."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import xxhash
from numpy.typing import NDArray

from wsss_harness.contract.errors import DataError
from wsss_harness.contract.hookspecs import Run
from wsss_harness.contract.supervision import IMAGE_LABELS, SALIENCY, Dataset
from wsss_harness.contract.types import IGNORE, Image, Map, Mask
from wsss_harness.datasets.coco.index import (
    read_categories,
    read_images,
    read_instances,
    write_index,
)
from wsss_harness.datasets.coco.outlines import instance_pixels as instance_pixels
from wsss_harness.datasets.coco.outlines import pycocotools_mask as pycocotools_mask
from wsss_harness.datasets.lists import read_list, refuse_twins
from wsss_harness.system import pictures, resizing
from wsss_harness.system.digests import digest_files, digest_folder

INDEX = "index.sqlite"
SPLITS = ("train", "val")


@dataclass(frozen=True)
class Coco14:
    """A folder with train2014, val2014 and annotations. Paths are relative to ``root`` or absolute.

    ``train``, ``val``: folders of images; ``train_annotations``, ``val_annotations``: files of
    instances. ``train_list``, ``val_list``: files of image ids, one per line, such as
    COCO_train2014_000000000009; by default all images with an annotation (82,081 and 40,137).
    ``saliency``: a folder of maps ID.png. ``masks``: a folder of masks ID.png to use as truth
    instead of the instances; if no image of train has one, pseudo-masks are made but not scored.

    ``overlap``: where instances overlap, the ``last`` of the file covers the earlier ones, as in
    nightrome/cocostuffapi, or the ``smallest`` covers the larger ones. ``crowd``: whether a region
    of many objects has its ``class``, or 255 (``ignore``). ``resize_saliency``: as of VocFolder.
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
    resize_saliency: resizing.Resize = "none"

    def path(self, part: str) -> Path:
        return Path(self.root) / str(getattr(self, part))

    def identity(self) -> dict[str, Any]:
        """What decides the data: the content of every file, not its path."""
        drawing = {"overlap": self.overlap, "crowd": self.crowd}
        saliency = resizing.identity(self.resize_saliency)
        return {"content": self.contents(), **drawing, **saliency}

    def contents(self) -> list[str]:
        """Digests of annotations and lists, and of the folders of pictures."""
        parts = ("train_annotations", "val_annotations", "train_list", "val_list")
        texts = [self.path(part) for part in parts if getattr(self, part)]
        self._check(texts)
        folders = ("train", "val", "saliency", *(("masks",) if self.masks else ()))
        digests = digest_files(texts, str(Path(self.root).resolve()))
        return [*digests, *(digest_folder(self.path(part)) for part in folders)]

    def _check(self, paths: Iterable[Path]) -> None:
        if not Path(self.root).is_dir():
            raise DataError(f"dataset root {self.root} is not a folder; set dataset.root")
        for path in paths:
            if not path.is_file():
                raise DataError(f"{path} is missing; see the options of the dataset coco14")

    def prepare(self, run: Run) -> None:
        annotations = {split: self.path(f"{split}_annotations") for split in SPLITS}
        write_index(run.folder / INDEX, annotations, draws=not self.masks)
        Coco(self, run.folder / INDEX).check_pictures(run)

    def open(self, folder: Path) -> Dataset:
        return Coco(self, folder / INDEX)


class Coco:
    """An opened Coco14. Instances are drawn when the truth of their image is read."""

    contexts: tuple[tuple[str, str], ...] = ()

    def __init__(self, layout: Coco14, index: Path) -> None:
        self.layout = layout
        self.index = index
        categories = read_categories(index)
        self.classes = tuple(categories.values())
        self._class_numbers = {category: number for number, category in enumerate(categories, 1)}
        self._images = dict(read_images(index))
        self._splits = {split: self._read_ids(split) for split in SPLITS}

    def _read_ids(self, split: str) -> tuple[str, ...]:
        images = {name: image for name, image in self._images.items() if image.split == split}
        if getattr(self.layout, f"{split}_list") is None:
            ids = tuple(image_id for image_id, image in images.items() if image.categories)
        else:
            ids = read_list(self.layout.path(f"{split}_list"), images, "the annotation file")
        if not ids:
            raise DataError(f"{self.layout.root}: no image of {split} has an annotation")
        return ids

    @property
    def supervision(self) -> frozenset[str]:
        has_saliency = self.layout.path("saliency").is_dir()
        return frozenset({IMAGE_LABELS, SALIENCY} if has_saliency else {IMAGE_LABELS})

    def ids(self, split: str) -> tuple[str, ...]:
        try:
            return self._splits[split]
        except KeyError:
            raise DataError(f"no split named '{split}'; there are {', '.join(SPLITS)}") from None

    def image(self, image_id: str) -> Image:
        image = pictures.read_photograph(self._picture(image_id))
        if image.shape[:2] != self.size(image_id):
            raise self._resized(image_id, image.shape)
        return image

    def _picture(self, image_id: str) -> Path:
        return self.layout.path(self._images[image_id].split) / f"{image_id}.jpg"

    def picture_paths(self) -> Iterator[Path]:
        """Every picture that is read, though it may be missing."""
        parts = ("saliency", "masks") if self.layout.masks else ("saliency",)
        for image_id in (*self._splits["train"], *self._splits["val"]):
            yield self._picture(image_id)
            yield from (self._path(part, image_id) for part in parts)

    def check_pictures(self, run: Run) -> None:
        """Raise DataError before training for pictures of another size than their annotations.

        Also for two files of one id. Pictures that are missing or damaged are left to those that
        read them: not every suite reads all.
        """
        ids, resized = [*self._splits["train"], *self._splits["val"]], []
        refuse_twins(self.picture_paths())
        for done, image_id in enumerate(ids, 1):
            try:
                size = pictures.photograph_size(self._picture(image_id))
            except DataError:
                size = self.size(image_id)
            resized += [(image_id, size)] if size != self.size(image_id) else []
            run.progress(done, len(ids))
        if resized:
            raise self._resized(*resized[0], len(resized))

    def _resized(self, image_id: str, size: tuple[int, ...], count: int = 1) -> DataError:
        height, width = self.size(image_id)
        return DataError(
            f"{self._picture(image_id)} is {size[1]}x{size[0]} ({count} such), but its annotations "
            f"are of {width}x{height} pixels; use the pictures as they were published, or "
            "annotations of the resized ones"
        )

    def present(self, image_id: str) -> tuple[int, ...]:
        categories = self._images[image_id].categories
        return tuple(sorted(self._class_numbers[category] for category in categories))

    def has_saliency(self, image_id: str) -> bool:
        return self._path("saliency", image_id).is_file()

    def saliency(self, image_id: str) -> Map:
        path, resize = self._path("saliency", image_id), self.layout.resize_saliency
        return pictures.read_map(path, self.size(image_id), resize=resize)

    def _path(self, part: str, image_id: str) -> Path:
        return self.layout.path(part) / f"{image_id}.png"

    def size(self, image_id: str) -> tuple[int, int]:
        image = self._images[image_id]
        return image.height, image.width

    def has_truth(self, image_id: str) -> bool:
        """Whether there is a mask; instances are the truth of every image."""
        return not self.layout.masks or self._path("masks", image_id).is_file()

    def truth(self, image_id: str) -> Mask:
        if self.layout.masks:
            path = self._path("masks", image_id)
            return pictures.read_class_mask(path, self.size(image_id), len(self.classes))
        instances = read_instances(self.index, image_id)
        if self.layout.overlap == "smallest":
            instances.sort(key=lambda instance: -instance.area)
        size = self.size(image_id)
        truth = np.zeros(size, np.uint8)
        for instance in instances:
            ignored = instance.crowd and self.layout.crowd == "ignore"
            pixels = instance_pixels(instance.outline, size, image_id)
            truth[pixels] = IGNORE if ignored else self._class_numbers[instance.category]
        return truth

    def context(self, image_id: str) -> dict[str, NDArray[np.bool_] | None]:
        return {}

    def fingerprint(self) -> str:
        return xxhash.xxh3_128_hexdigest(json.dumps(self.layout.identity()).encode())
