"""Any folder in VOC layout: images, masks, saliency maps, context maps, lists and image labels."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal

import numpy as np
import xxhash
from numpy.typing import NDArray

from wsss_harness.contract.errors import DataError
from wsss_harness.contract.hookspecs import Run
from wsss_harness.contract.supervision import IMAGE_LABELS, SALIENCY, Dataset
from wsss_harness.contract.types import Image, Map, Mask
from wsss_harness.datasets.lists import read_list, refuse_one_file, refuse_twins
from wsss_harness.datasets.voc_annotations import read_contexts, read_labels
from wsss_harness.system import pictures, resizing
from wsss_harness.system.digests import digest_files
from wsss_harness.system.memo import memoize

LISTS = Path("ImageSets/Segmentation")
SUFFIXES = {"images": ".jpg", "truth": ".png", "saliency": ".png", "context": ".png"}


@dataclass(frozen=True)
class VocFolder:
    """A dataset on disk. Paths are relative to ``root`` or absolute.

    ``train``, ``val`` and ``scored`` name lists in ImageSets/Segmentation; ``images``, ``truth``,
    ``saliency`` and ``context`` are folders. ``scored`` lists the images of ``train`` whose
    pseudo-masks are scored; by default all of them.

    ``labels`` is a JSON file {"classes": [names of 1..C], "labels": {id: [names]}}. ``contexts`` is
    an optional JSON file {"names": [names of 1..], "pairs": [[context, class], ...]} that explains
    the index maps in ``context``.

    If no scored image has a truth, masks are made but not scored; with ``train_truth`` "none" also
    if some have. ``resize_saliency`` names the interpolation by which a map of the whole image, but
    of another size, gets the size of the image; with "none" it is an error.
    """

    root: str
    train: str = "train"
    val: str = "val"
    scored: str | None = None
    images: str = "JPEGImages"
    truth: str = "SegmentationClass"
    saliency: str = "saliency"
    labels: str = "image_labels.json"
    context: str = "context"
    contexts: str = "contexts.json"
    train_truth: Literal["found", "none"] = "found"
    resize_saliency: resizing.Resize = "none"

    def identity(self) -> dict[str, Any]:
        """What decides the data: the content of every file, not its path."""
        content = self.open(Path()).fingerprint()
        return {"content": content, **resizing.identity(self.resize_saliency)}

    def prepare(self, run: Run) -> None:
        self.open(run.folder)

    def open(self, folder: Path) -> Dataset:
        if not Path(self.root).is_dir():
            raise DataError(f"dataset root {self.root} is not a folder; set dataset.root")
        return Voc(self)


class Voc:
    """An opened VocFolder. Lists and image labels are checked at once, pixels when they are read.

    Raises:
        DataError: a list or the file of labels or contexts is missing, damaged or inconsistent.
    """

    def __init__(self, layout: VocFolder) -> None:
        self.layout = layout
        self._last_size: tuple[str, tuple[int, int]] = "", (0, 0)
        self.classes, self._labels = read_labels(self._path("labels"))
        self._splits = {split: self._read_list(split) for split in ("train", "val")}
        train = self._splits["train"]
        self._splits["scored"] = self._read_list("scored") if layout.scored else train
        refuse_one_file(train + self._splits["val"], partial(self._picture, "images"))
        self._context_names: tuple[str, ...] = ()
        self.contexts: tuple[tuple[str, str], ...] = ()
        if (path := self._path("contexts")).is_file():
            self._context_names, self.contexts = read_contexts(path, self.classes)

    @memoize
    def _path(self, part: str) -> Path:
        return Path(self.layout.root) / str(getattr(self.layout, part))

    def _read_list(self, split: str) -> tuple[str, ...]:
        return read_list(self._list_path(split), self._labels, self._path("labels"))

    def _list_path(self, split: str) -> Path:
        return Path(self.layout.root) / LISTS / f"{getattr(self.layout, split)}.txt"

    @property
    def supervision(self) -> frozenset[str]:
        has_saliency = self._path("saliency").is_dir()
        return frozenset({IMAGE_LABELS, SALIENCY} if has_saliency else {IMAGE_LABELS})

    @property
    def scored(self) -> tuple[str, ...]:
        return self._splits["scored"]

    def ids(self, split: str) -> tuple[str, ...]:
        try:
            return self._splits[split]
        except KeyError:
            raise DataError(f"no split named '{split}'; there are {sorted(self._splits)}") from None

    def image(self, image_id: str) -> Image:
        image = pictures.read_photograph(self._picture("images", image_id))
        self._last_size = image_id, image.shape[:2]
        return image

    def _picture(self, part: str, image_id: str) -> Path:
        return self._path(part) / f"{image_id}{SUFFIXES[part]}"

    def present(self, image_id: str) -> tuple[int, ...]:
        return self._labels[image_id]

    def has_saliency(self, image_id: str) -> bool:
        return self._picture("saliency", image_id).is_file()

    def saliency(self, image_id: str) -> Map:
        path, resize = self._picture("saliency", image_id), self.layout.resize_saliency
        return pictures.read_map(path, self.size(image_id), resize=resize)

    def has_truth(self, image_id: str) -> bool:
        unused = self.layout.train_truth == "none" and image_id not in self._splits["val"]
        return not unused and self.truth_path(image_id).is_file()

    def truth_path(self, image_id: str) -> Path:
        return self._picture("truth", image_id)

    def truth(self, image_id: str) -> Mask:
        path = self.truth_path(image_id)
        return pictures.read_class_mask(path, self.size(image_id), len(self.classes))

    def context(self, image_id: str) -> dict[str, NDArray[np.bool_] | None]:
        if not self.contexts:
            return {}
        path, count = self._picture("context", image_id), len(self._context_names)
        if not path.is_file():
            return {name: None for name, _ in self.contexts}
        index = pictures.read_indices(path, size=self.size(image_id))
        if (highest := index.max()) > count:
            raise DataError(
                f"{path} holds the value {highest}, but {self._path('contexts')} names {count} "
                f"contexts: values are 0..{count}, in the order of the names, and 0 is none of them"
            )
        numbers = {name: number for number, name in enumerate(self._context_names, 1)}
        return {name: index == numbers[name] for name, _ in self.contexts}

    def size(self, image_id: str) -> tuple[int, int]:
        known, size = self._last_size  # maps, masks and contexts of an image are read in a row
        if known != image_id:
            size = pictures.photograph_size(self._picture("images", image_id))
            self._last_size = image_id, size
        return size

    def fingerprint(self) -> str:
        contexts = (self._context_names, self.contexts)
        lists = repr((self.classes, self._splits, sorted(self._labels.items()), contexts))
        digest = xxhash.xxh3_128(lists.encode())
        paths = list(self.picture_paths())
        refuse_twins(paths)
        present = [path for path in paths if path.is_file()]
        root = str(Path(self.layout.root).resolve())
        contents = dict(zip(present, digest_files(present, root), strict=True))
        for path in paths:
            digest.update(f"{contents.get(path, '-')}\n".encode())
        digest.update("".join(resizing.identity(self.layout.resize_saliency).values()).encode())
        return digest.hexdigest()

    def picture_paths(self) -> Iterator[Path]:
        """Every picture that is read, though it may be missing, in an order that ids decide."""
        ids = sorted({image_id for split in self._splits.values() for image_id in split})
        yield from (self._picture(part, image_id) for part in SUFFIXES for image_id in ids)

    def paths(self) -> Iterator[Path]:
        """Every file that is read, though it may be missing: pictures, lists, labels, contexts."""
        yield from (self._list_path(split) for split in ("train", "val"))
        if self.layout.scored:
            yield self._list_path("scored")
        yield from (self._path("labels"), self._path("contexts"))
        yield from self.picture_paths()
