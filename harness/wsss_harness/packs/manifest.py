"""The manifest pack.json, and reading a pack whose files are checked against it."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from wsss_harness.contract.errors import DataError
from wsss_harness.contract.hookspecs import Run
from wsss_harness.contract.kinds import StatedKind
from wsss_harness.contract.supervision import View
from wsss_harness.contract.types import IGNORE, ClassScores, Mask, Sample
from wsss_harness.packs.doubts import refuse_reordered
from wsss_harness.system import files, score_files
from wsss_harness.system.models import StrictModel, validated
from wsss_harness.system.pictures import colours, read_class_mask

MANIFEST = "pack.json"
ROOM = 2**20  # bytes of a file beyond a value for each of its pixels and classes
UNKNOWN = np.float32(0.5)

Kind = Literal["masks", "scores"]
SUFFIXES: dict[Kind, str] = {"masks": ".png", "scores": ".scores"}


class PackFile(StrictModel):
    """One file, relative to the pack: its sha256 and its (height, width)."""

    file: str
    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
    size: tuple[Annotated[int, Field(gt=0)], Annotated[int, Field(gt=0)]]


class Manifest(StrictModel):
    """``classes`` are the names of 1..C. ``supervision`` states what the method used, ``chosen_on``
    on what the threshold of its masks was chosen; None if not stated. ``origin`` is for people."""

    format: Literal[1] = 1
    kind: Kind
    method: str
    classes: tuple[str, ...]
    supervision: tuple[StatedKind, ...] | None = None
    chosen_on: Literal["fixed", "held_out", "oracle"] | None = None
    origin: dict[str, str] = Field(default={})
    images: dict[str, PackFile]


def read_manifest(folder: Path) -> Manifest:
    """The manifest of a pack; DataError names the file and the field that is wrong."""
    path = folder / MANIFEST
    if not path.is_file():
        raise DataError(
            f"{path} is missing: {folder} is not a pack; make one with `wsss pack import {folder}`"
        )
    return validated(Manifest, files.read_json(path), path)


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


class Pack:
    """An opened pack. Every file is checked against the manifest when it is read."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.manifest = read_manifest(folder)

    def mask(self, image_id: str) -> Mask:
        """The mask of an image, (H, W); DataError says how the file differs from the manifest."""
        content, entry = self._content(image_id)
        owner = f"{self.folder}: mask of image {image_id}"
        mask = read_class_mask(content, entry.size, len(self.manifest.classes), owner)
        refuse_reordered(mask, colours(content, owner), len(self.manifest.classes), owner)
        return mask

    def scores(self, image_id: str) -> ClassScores:
        """The scores, or a mask as scores of 0, 1 and, where it is 255, one half."""
        if self.manifest.kind == "masks":
            return from_mask(self.mask(image_id))
        content, entry = self._content(image_id)
        owner = f"{self.folder}: scores of image {image_id}"
        scores = score_files.parse(content, owner, (len(self.manifest.classes) + 1, *entry.size))
        if any(number > len(self.manifest.classes) for number in scores.classes):
            raise DataError(
                f"{owner}: they have class {scores.classes[-1]}, but the pack has "
                f"{len(self.manifest.classes)} classes"
            )
        return scores

    def entry(self, image_id: str) -> PackFile:
        try:
            return self.manifest.images[image_id]
        except KeyError:
            raise DataError(
                f"{self.folder / MANIFEST} has no image {image_id}; use a pack of all train "
                "images, or a list of those that it has"
            ) from None

    def refuse_other(self, classes: tuple[str, ...], ids: Sequence[str]) -> None:
        """Raise DataError unless the pack is of these classes, and of no image beyond ``ids``."""
        path, own = self.folder / MANIFEST, self.manifest.classes
        if own != classes:
            raise DataError(
                f"{path} has the classes {', '.join(own)}, the dataset has {', '.join(classes)}; "
                "both must be the same, in one order"
            )
        unknown = sorted(set(self.manifest.images) - set(ids))
        if unknown:
            raise DataError(
                f"{path} names image {unknown[0]} ({len(unknown)} such), which is not in the list "
                "of train; use the pack of this dataset"
            )

    def check_size(self, image_id: str, size: tuple[int, ...]) -> None:
        """Raise DataError unless the manifest says that the image has this (height, width)."""
        stated = self.entry(image_id).size
        if stated != tuple(size):
            raise DataError(
                f"{self.folder / MANIFEST} says that image {image_id} is {stated[1]}x{stated[0]}, "
                f"but it is {size[1]}x{size[0]}"
            )

    def _content(self, image_id: str) -> tuple[bytes, PackFile]:
        entry = self.entry(image_id)
        path = inside(self.folder, entry.file, image_id)
        height, width = entry.size
        room = height * width * (len(self.manifest.classes) + 1) + ROOM
        try:
            if not path.is_file():
                raise OSError("it is not a file")
            length = path.stat().st_size
            if length > room:
                raise DataError(
                    f"{path} has {length} bytes, far more than a map of {width}x{height} needs; "
                    "the pack is refused"
                )
            content = path.read_bytes()
        except OSError as error:
            raise DataError(f"{path} cannot be read ({error}); get the pack again") from None
        if digest(content) != entry.sha256:
            raise DataError(
                f"{path} is not the file that {MANIFEST} names for image {image_id} (its sha256 "
                "differs); get the pack again"
            )
        return content, entry


@dataclass(frozen=True)
class MaskPack:
    """Masks or scores that were made elsewhere, as `wsss pack export` and `import` write them.

    ``folder``: the pack. It reads no supervision itself; tables mark the supervision that the pack
    states as unverified.
    """

    needs: ClassVar[frozenset[str]] = frozenset()
    idle: ClassVar[frozenset[str]] = frozenset({"folder"})  # the content counts; see identity

    folder: str

    def identity(self) -> dict[str, Any]:
        """The digest of the manifest, which holds that of every file."""
        read_manifest(Path(self.folder))
        content = (Path(self.folder) / MANIFEST).read_bytes()
        return {"pack": digest(content)}

    @cached_property
    def stated(self) -> tuple[str, ...]:
        """The supervision that the pack says the method used."""
        supervision = read_manifest(Path(self.folder)).supervision
        return ("unknown",) if supervision is None else supervision

    @cached_property
    def chosen_on(self) -> str:
        """On what the pack says the threshold of its masks was chosen; scores have none."""
        manifest = read_manifest(Path(self.folder))
        return "fixed" if manifest.kind == "scores" else manifest.chosen_on or "unknown"

    def fit(self, data: View, run: Run) -> None:
        """Check every file of the pack against its manifest and against the images."""
        pack = Pack(Path(self.folder))
        pack.refuse_other(data.classes, data.ids)
        for done, image_id in enumerate(data, 1):
            pack.check_size(image_id, data[image_id].image.shape[:2])
            pack.scores(image_id)
            run.progress(done, len(data))

    def load(self, folder: Path, device: str) -> Callable[[Sample], ClassScores]:
        pack = Pack(Path(self.folder))
        return lambda sample: pack.scores(sample.image_id)


def inside(folder: Path, file: str, image_id: str) -> Path:
    """The path of a file of a pack; DataError if it is not in the pack."""
    relative = PurePosixPath(file)
    path = folder / relative
    climbs = relative.is_absolute() or ".." in relative.parts or "\\" in file
    if climbs or not path.resolve().is_relative_to(folder.resolve()):
        raise DataError(
            f"{folder / MANIFEST}: the file of image {image_id}, {file!r}, lies outside the pack; "
            "the pack is refused"
        )
    return path


def from_mask(mask: Mask) -> ClassScores:
    """1 where a class is, one half where the mask is 255, 0 elsewhere.

    The rule {name = "constant", threshold = 0.5, uncertain = 0.25} gives the mask back, 255 too.
    """
    numbers = np.unique(mask[mask != IGNORE])
    classes = tuple(int(number) for number in numbers if number) or ((1,) if IGNORE in mask else ())
    values = np.zeros((len(classes), *mask.shape), np.float32)
    for place, number in enumerate(classes):
        values[place][mask == number] = 1
        values[place][mask == IGNORE] = UNKNOWN
    return ClassScores(classes, values)
