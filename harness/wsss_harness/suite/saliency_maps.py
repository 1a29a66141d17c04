"""Saliency maps of a detector that a suite names, in place of those of the dataset."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import xxhash

from wsss_harness.contract.errors import DataError
from wsss_harness.contract.supervision import SALIENCY, Dataset
from wsss_harness.contract.types import Map
from wsss_harness.suite.spec import SaliencyMaps
from wsss_harness.system import files
from wsss_harness.system.digests import digest_files


def identity(label: str, maps: SaliencyMaps) -> dict[str, Any]:
    """What a key and a record say of them: where they come from, and a digest of all maps.

    Raises:
        DataError: there is no such folder, or no map in it.
    """
    folder = Path(maps.folder)
    paths = sorted(folder.glob("*.png"))
    if not paths:
        raise DataError(
            f"saliency '{label}': {folder} holds no maps ID.png; set saliency.{label}.folder"
        )
    found = digest_files(paths, str(folder.resolve()))
    content = "".join(f"{path.name} {one}\n" for path, one in zip(paths, found, strict=True))
    digest = xxhash.xxh3_128_hexdigest(content.encode())
    return {"detector": maps.detector, "trained_on": maps.trained_on, "digest": digest}


@dataclass(frozen=True)
class WithSaliency:
    """A dataset that gives the maps of a folder, ID.png with 8 bits a pixel, as its saliency."""

    dataset: Dataset
    folder: Path

    def __getattr__(self, name: str) -> Any:
        return getattr(self.dataset, name)

    @property
    def supervision(self) -> frozenset[str]:
        return self.dataset.supervision | {SALIENCY}

    def saliency(self, image_id: str) -> Map:
        path = self.folder / f"{image_id}.png"
        return files.read_map(path, size(self.dataset, image_id))


def size(dataset: Dataset, image_id: str) -> tuple[int, ...]:
    """(H, W) of an image, which is not decoded where the dataset knows its size."""
    known = getattr(dataset, "size", None)
    return known(image_id) if known else dataset.image(image_id).shape[:2]
