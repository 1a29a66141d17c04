"""RailScenes and its icons: drawn once, then read from disk like any other dataset.

A picture depends only on the source of this package, the seed and its index. The drawing modules
load OpenCV, so they are imported only to draw.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from PIL import Image as PillowImage

from wsss_harness.contract.hookspecs import Run
from wsss_harness.contract.options import require_option
from wsss_harness.contract.supervision import Dataset
from wsss_harness.contract.types import Image
from wsss_harness.datasets.voc_folder import VocFolder
from wsss_harness.system.files import atomic, read_json, write_json, write_text
from wsss_harness.system.pictures import write_grey, write_mask

Write = Callable[[Path, str], list[str]]  # (root, image id) -> names of the image's classes
JOURNAL = 50  # pictures between two updates of the list of what was drawn


@dataclass(frozen=True)
class RailScenes:
    """Drawn scenes with image labels, truth, context maps and simulated saliency.

    ``train``, ``val``: numbers of images. ``width``, ``height``: in pixels. ``seed`` decides
    all that is drawn. ``border``: width in pixels of the band of truth 255 along outlines.
    """

    quick: ClassVar[Mapping[str, Any]] = {"train": 20, "val": 5}
    publishable: ClassVar[bool] = True  # drawn by this package, under its licence

    train: int = 1000
    val: int = 200
    width: int = 128
    height: int = 96
    seed: int = 0
    border: int = 1

    def __post_init__(self) -> None:
        _check(self)
        require_option(self, "border", self.border >= 0, "at least 0")

    def sizes(self) -> dict[str, int]:
        return {"train": self.train, "val": self.val}

    def prepare(self, run: Run) -> None:
        from wsss_harness.datasets.railscenes.cast import CLASSES, PAIRS
        from wsss_harness.datasets.railscenes.grounds import CONTEXTS

        contexts = {"names": list(CONTEXTS), "pairs": [list(pair) for pair in PAIRS]}
        write_json(run.folder / "contexts.json", contexts)
        _prepare(run, self.train, self.val, CLASSES, self._write)

    def _write(self, root: Path, image_id: str) -> list[str]:
        from wsss_harness.datasets.railscenes.cast import CLASSES
        from wsss_harness.datasets.railscenes.compose import scene

        drawn = scene(self.seed, _index(image_id), self.width, self.height, self.border)
        write_mask(root / "SegmentationClass" / f"{image_id}.png", drawn.truth)
        write_grey(root / "context" / f"{image_id}.png", drawn.context)
        saliency = np.rint(drawn.saliency * 255).astype(np.uint8)
        write_grey(root / "saliency" / f"{image_id}.png", saliency)
        _write_picture(root, image_id, drawn.image)
        return [CLASSES[number - 1] for number in drawn.present]

    def open(self, folder: Path) -> Dataset:
        return VocFolder(root=str(folder)).open(folder)


@dataclass(frozen=True)
class Icons:
    """Single drawn things on random grounds, with image labels only: a stand-in for ImageNet.

    ``train``, ``val``: numbers of images. ``width``, ``height``: in pixels. ``seed`` decides all
    that is drawn.
    """

    quick: ClassVar[Mapping[str, Any]] = {"train": 20, "val": 5}

    train: int = 3000
    val: int = 300
    width: int = 64
    height: int = 64
    seed: int = 0

    def __post_init__(self) -> None:
        _check(self)

    def prepare(self, run: Run) -> None:
        from wsss_harness.datasets.railscenes.compose import ICON_CLASSES

        _prepare(run, self.train, self.val, ICON_CLASSES, self._write)

    def _write(self, root: Path, image_id: str) -> list[str]:
        from wsss_harness.datasets.railscenes.compose import icon

        image, name = icon(self.seed, _index(image_id), self.width, self.height)
        _write_picture(root, image_id, image)
        return [name]

    def open(self, folder: Path) -> Dataset:
        return VocFolder(root=str(folder)).open(folder)


def _check(options: RailScenes | Icons) -> None:
    for name in ("train", "val", "width", "height"):
        require_option(options, name, getattr(options, name) > 0, "at least 1")
    require_option(options, "seed", options.seed >= 0, "at least 0")


def _index(image_id: str) -> int:
    """Even for train and odd for val, so that neither split depends on the size of the other."""
    split, number = image_id.split("_")
    return 2 * int(number) + (split == "val")


def _write_picture(root: Path, image_id: str, image: Image) -> None:
    with atomic(root / "JPEGImages" / f"{image_id}.jpg") as temporary:
        PillowImage.fromarray(image).save(temporary, format="JPEG", quality=95)


def _prepare(run: Run, train: int, val: int, classes: tuple[str, ...], write: Write) -> None:
    splits = {
        split: [f"{split}_{index:05d}" for index in range(count)]
        for split, count in (("train", train), ("val", val))
    }
    present = _draw(run, [*splits["train"], *splits["val"]], write)
    for split, ids in splits.items():
        path = run.folder / "ImageSets" / "Segmentation" / f"{split}.txt"
        write_text(path, "\n".join(ids) + "\n")
    write_json(run.folder / "image_labels.json", {"classes": list(classes), "labels": present})


def _draw(run: Run, ids: list[str], write: Write) -> dict[str, list[str]]:
    """Write the missing pictures; return {image id: names of its classes} of all."""
    journal = run.folder / "drawn.json"
    present: dict[str, list[str]] = read_json(journal) if journal.is_file() else {}
    for done, image_id in enumerate(ids, 1):
        if image_id not in present:
            present[image_id] = write(run.folder, image_id)
        if done % JOURNAL == 0 or done == len(ids):
            write_json(journal, present)
            run.progress(done, len(ids))
    return present
