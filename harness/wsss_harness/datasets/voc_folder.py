"""Any folder in VOC layout: images, masks, saliency maps, context maps, lists and image labels."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import xxhash
from numpy.typing import NDArray
from PIL import Image as PillowImage
from PIL import UnidentifiedImageError

from wsss_harness.contract.errors import DataError
from wsss_harness.contract.hookspecs import Run
from wsss_harness.contract.supervision import IMAGE_LABELS, SALIENCY, Dataset
from wsss_harness.contract.types import Image, Map, Mask
from wsss_harness.system import files
from wsss_harness.system.digests import digest_files

LISTS = Path("ImageSets/Segmentation")


@dataclass(frozen=True)
class VocFolder:
    """A dataset on disk. Paths are relative to ``root`` or absolute.

    ``train``, ``val`` and ``scored`` name lists in ImageSets/Segmentation; ``images``, ``truth``,
    ``saliency`` and ``context`` are folders. The images of ``scored`` are part of ``train``, and
    only their pseudo-masks are scored; without it all of train are.

    ``labels`` is a JSON file {"classes": [names of 1..C], "labels": {id: [names]}}. ``contexts`` is
    a JSON file {"names": [names of 1..], "pairs": [[context, class], ...]} for the index maps; it
    may be missing.
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

    def identity(self) -> dict[str, Any]:
        """What decides the data: the content of every file, not its place."""
        return {"content": _content(self)}

    def prepare(self, run: Run) -> None:
        self.open(run.folder)

    def open(self, folder: Path) -> Dataset:
        if not Path(self.root).is_dir():
            raise DataError(f"dataset root {self.root} is not a folder; set dataset.root")
        return Voc(self)


@dataclass(frozen=True)
class Voc:
    """An opened VocFolder. Lists and image labels are checked at once, pixels when read."""

    layout: VocFolder
    names: tuple[str, ...] = field(init=False)
    labels: Mapping[str, tuple[int, ...]] = field(init=False)
    splits: Mapping[str, tuple[str, ...]] = field(init=False)
    context_names: tuple[str, ...] = field(init=False)
    contexts: tuple[tuple[str, str], ...] = field(init=False)

    def __post_init__(self) -> None:
        names, labels = _read_labels(self._path("labels"))
        object.__setattr__(self, "names", names)
        object.__setattr__(self, "labels", labels)
        splits = {split: self._read_list(split) for split in ("train", "val")}
        splits["scored"] = self._read_list("scored") if self.layout.scored else splits["train"]
        object.__setattr__(self, "splits", splits)
        if strange := sorted(set(splits["scored"]) - set(splits["train"])):
            raise DataError(
                f"{self.layout.root}: image {strange[0]} ({len(strange)} in all) of the list "
                f"{self.layout.scored} is not in {self.layout.train}: masks are made of the images "
                "that are trained on; add it there, or take it out of the scored ones"
            )
        if shared := sorted(set(splits["train"]) & set(splits["val"])):
            raise DataError(
                f"{self.layout.root}: image {shared[0]} ({len(shared)} in all) is in the lists of "
                "train and of val; a segmentor would be scored on what it was trained on: take it "
                "out of one of them"
            )
        object.__setattr__(self, "context_names", ())
        object.__setattr__(self, "contexts", ())
        if self._path("contexts").is_file():
            context_names, contexts = _read_contexts(self._path("contexts"), names)
            object.__setattr__(self, "context_names", context_names)
            object.__setattr__(self, "contexts", contexts)

    def _path(self, part: str) -> Path:
        return Path(self.layout.root) / str(getattr(self.layout, part))

    def _read_list(self, split: str) -> tuple[str, ...]:
        path = Path(self.layout.root) / LISTS / f"{getattr(self.layout, split)}.txt"
        if not path.is_file():
            raise DataError(f"{path} is missing: it lists the image ids of '{split}', one a line")
        ids = tuple(path.read_text(encoding="utf-8").split())
        if not ids:
            raise DataError(f"{path} is empty; it must list at least one image id")
        twice = [image_id for image_id, count in Counter(ids).items() if count > 1]
        if twice:
            raise DataError(f"{path} lists image {twice[0]} more than once; list each image once")
        unlabelled = [image_id for image_id in ids if image_id not in self.labels]
        if unlabelled:
            raise DataError(
                f"{self._path('labels')} has no entry for {len(unlabelled)} ids of {path}, "
                f"first {unlabelled[0]}; add their image labels or take them out of the list"
            )
        return ids

    @property
    def classes(self) -> tuple[str, ...]:
        return self.names

    @property
    def supervision(self) -> frozenset[str]:
        given = {IMAGE_LABELS}
        if self._path("saliency").is_dir():
            given.add(SALIENCY)
        return frozenset(given)

    @property
    def scored(self) -> tuple[str, ...]:
        return self.splits["scored"]

    def ids(self, split: str) -> tuple[str, ...]:
        try:
            return self.splits[split]
        except KeyError:
            raise DataError(f"no split named '{split}'; there are {sorted(self.splits)}") from None

    def image(self, image_id: str) -> Image:
        return files.read_image(self._image_path(image_id))

    def _image_path(self, image_id: str) -> Path:
        return self._path("images") / f"{image_id}.jpg"

    def present(self, image_id: str) -> tuple[int, ...]:
        return self.labels[image_id]

    def saliency(self, image_id: str) -> Map:
        path = self._path("saliency") / f"{image_id}.png"
        grey = self._same_size(image_id, files.read_grey(path), path)
        return files.as_map(grey)

    def truth_path(self, image_id: str) -> Path:
        return self._path("truth") / f"{image_id}.png"

    def truth(self, image_id: str) -> Mask:
        path = self.truth_path(image_id)
        truth = self._same_size(image_id, files.read_mask(path), path)
        return files.of_classes(truth, len(self.classes), path)

    def context(self, image_id: str) -> dict[str, NDArray[np.bool_] | None]:
        if not self.contexts:
            return {}
        path = self._path("context") / f"{image_id}.png"
        if not path.is_file():
            return {name: None for name, _ in self.contexts}
        index = self._same_size(image_id, files.read_grey(path), path)
        number = {name: place for place, name in enumerate(self.context_names, 1)}
        return {name: index == number[name] for name, _ in self.contexts}

    def size(self, image_id: str) -> tuple[int, int]:
        try:
            with PillowImage.open(self._image_path(image_id)) as picture:
                width, height = picture.size
        except (OSError, UnidentifiedImageError) as error:
            raise DataError(f"{self._image_path(image_id)} cannot be opened ({error})") from None
        return height, width

    def _same_size(self, image_id: str, values: Mask, path: Path) -> Mask:
        return files.of_size(values, self.size(image_id), path)

    def fingerprint(self) -> str:
        contexts = (self.context_names, self.contexts)
        lists = repr((self.names, self.splits, sorted(self.labels.items()), contexts))
        digest = xxhash.xxh3_128(lists.encode())
        folders = [self._path(part) for part in ("images", "truth", "saliency", "context")]
        ids = sorted({image_id for split in self.splits.values() for image_id in split})
        paths = [_find(folder, image_id) for folder in folders for image_id in ids]
        found = [path for path in paths if path]
        contents = iter(digest_files(found, str(Path(self.layout.root).resolve())))
        for path in paths:
            digest.update(f"{path.name} {next(contents)}\n".encode() if path else b"-\n")
        return digest.hexdigest()


@cache
def _content(layout: VocFolder) -> str:
    """Read once a process, since every row of a suite asks for it."""
    return layout.open(Path()).fingerprint()


def _find(folder: Path, image_id: str) -> Path | None:
    paths = (folder / f"{image_id}{suffix}" for suffix in (".jpg", ".png"))
    return next((path for path in paths if path.is_file()), None)


def _read_contexts(
    path: Path, classes: tuple[str, ...]
) -> tuple[tuple[str, ...], tuple[tuple[str, str], ...]]:
    content = files.read_json(path)
    try:
        names = tuple(content["names"])
        pairs = tuple((context, name) for context, name in content["pairs"])
    except (KeyError, TypeError, ValueError):
        raise DataError(
            f'{path} must hold {{"names": [names], "pairs": [[context, class], ...]}}'
        ) from None
    unknown = [p for p in pairs if p[0] not in names or p[1] not in classes]
    if unknown:
        raise DataError(
            f"{path}: the pair {list(unknown[0])} is not of a context in {list(names)} and a class"
        )
    return names, pairs


def _read_labels(path: Path) -> tuple[tuple[str, ...], dict[str, tuple[int, ...]]]:
    content = files.read_json(path)
    try:
        names, labels = tuple(content["classes"]), dict(content["labels"])
    except (KeyError, TypeError, ValueError):
        raise DataError(
            f'{path} must hold {{"classes": [names], "labels": {{id: [names]}}}}'
        ) from None
    number = {name: index for index, name in enumerate(names, 1)}
    for image_id, present in labels.items():
        unknown = [name for name in present if name not in number]
        if unknown:
            raise DataError(
                f"{path}: image {image_id} has class '{unknown[0]}', which is not among the "
                f"classes {', '.join(names)}"
            )
    return names, {i: tuple(sorted({number[name] for name in p})) for i, p in labels.items()}
