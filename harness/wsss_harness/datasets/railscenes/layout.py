"""Writing pictures, masks, maps and lists in VOC layout."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image as PillowImage

from wsss_harness.contract.types import Image, Map, Mask
from wsss_harness.system.files import atomic, write_json, write_mask, write_text


def write_picture(root: Path, image_id: str, image: Image) -> None:
    with atomic(root / "JPEGImages" / f"{image_id}.jpg") as temporary:
        PillowImage.fromarray(image).save(temporary, format="JPEG", quality=95)


def write_maps(root: Path, image_id: str, truth: Mask, context: Mask, saliency: Map) -> None:
    write_mask(root / "SegmentationClass" / f"{image_id}.png", truth)
    _write_grey(root / "context" / f"{image_id}.png", context)
    grey = np.rint(saliency * 255).astype(np.uint8)
    _write_grey(root / "saliency" / f"{image_id}.png", grey)


def _write_grey(path: Path, values: NDArray[np.uint8]) -> None:
    with atomic(path) as temporary:
        PillowImage.fromarray(values).save(temporary, format="PNG")


def write_lists(
    root: Path,
    splits: Mapping[str, Sequence[str]],
    classes: Sequence[str],
    present: Mapping[str, Sequence[str]],
) -> None:
    for split, ids in splits.items():
        write_text(root / "ImageSets" / "Segmentation" / f"{split}.txt", "\n".join(ids) + "\n")
    write_json(root / "image_labels.json", {"classes": list(classes), "labels": dict(present)})
