"""Reading and writing pictures, by kind. No other module opens a picture of a dataset or a pack.

photograph  colour or grey with 8 bits, upright, opaque
index map   a PNG whose pixel values are numbers of classes or contexts; its colours do not count
grey map    saliency or scores in [0, 1], with 8 or 16 bits; its grey levels count

A reader refuses what is not of its kind, instead of converting it in silence, and any picture that
viewers turn or that has several frames. Any problem with the content of a file is a DataError that
names the file and what to do.
"""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image as PillowImage

from wsss_harness.contract.errors import DataError
from wsss_harness.contract.types import IGNORE, Image, Map, Mask, Regions, unknown_value
from wsss_harness.system.files import atomic
from wsss_harness.system.palettes import palette
from wsss_harness.system.picture_kinds import (
    REGION_LIMIT,
    Source,
    described,
    grey_levels,
    opened,
    raw,
    refuse_colours,
    refuse_other_photograph,
    refuse_other_size,
    without_alpha,
)
from wsss_harness.system.resizing import REMEDY, Resize, resized


def read_photograph(path: Path) -> Image:
    """An image as (H, W, 3) uint8 RGB.

    Raises:
        DataError: it is missing or damaged, or transparent, animated, or of another mode or depth.
    """
    with opened(path, path) as picture:
        refuse_other_photograph(picture, path)
        return np.array(without_alpha(picture, path).convert("RGB"))


def photograph_size(path: Path) -> tuple[int, int]:
    """(H, W) of an image, from its header.

    Raises:
        DataError: it is missing, damaged, turned or animated.
    """
    with opened(path, path) as picture:
        return picture.height, picture.width


def read_indices(source: Source, owner: object = None, size: tuple[int, ...] | None = None) -> Mask:
    """An index map as (H, W) uint8.

    ``owner`` names it in errors; by default it is the path. Its ``size``, if given, is checked
    before it is unpacked.

    Raises:
        DataError: it is missing or damaged, or no PNG with a palette or 8-bit grey levels, or has
            another size.
    """
    owner = owner or source
    with opened(source, owner, ("PNG",)) as picture:
        if size is not None:
            refuse_other_size(picture, size, owner)
        refuse_colours(picture, owner)
        return np.array(picture, np.uint8)


def read_class_mask(
    source: Source, size: tuple[int, ...], classes: int, owner: object = None
) -> Mask:
    """An index map of ``size`` with values 0..``classes`` or 255.

    Raises:
        DataError: it is missing or damaged, or has another size or another value.
    """
    mask = read_indices(source, owner, size)
    if (unknown := unknown_value(mask, classes)) is not None:
        raise DataError(
            f"{owner or source} holds the value {unknown}, but there are {classes} classes: "
            f"values are 0..{classes} or {IGNORE}, in the order of the dataset's classes"
        )
    return mask


def read_map(
    source: Source, size: tuple[int, ...], owner: object = None, resize: Resize = "none"
) -> Map:
    """A grey map of ``size`` as (H, W) in [0, 1]: black is 0, white is 1.

    Colours are accepted if all three channels are equal, an alpha channel if it is opaque. A map of
    another size is resized as ``resize`` says.

    Raises:
        DataError: it is missing or damaged, coloured or transparent, or has another size.
    """
    owner = owner or source
    with opened(source, owner) as picture:
        if resize == "none":
            refuse_other_size(picture, size, owner, REMEDY)
        return resized(grey_levels(picture, owner), size, resize)


def read_regions(path: Path, size: tuple[int, ...]) -> Regions:
    """A map of the numbers of regions, grey with 8 or 16 bits a pixel, as (H, W) int32.

    Raises:
        DataError: it is missing or damaged, of another kind, or has another size.
    """
    with opened(path, path, ("PNG",)) as picture:
        refuse_other_size(picture, size, path)
        if raw(picture) not in ("L", "I;16B"):
            raise DataError(
                f"{path} is {described(picture)}; save the numbers of its regions as grey levels "
                "of 8 or 16 bits"
            )
        return np.array(picture).astype(np.int32)


def colours(source: Source, owner: object = None) -> bytes | None:
    """The palette of a PNG, RGB triples by index; None if it has none."""
    with opened(source, owner or source, ("PNG",)) as picture:
        triples = picture.getpalette() if picture.mode == "P" else None
    return None if triples is None else bytes(triples)


def write_mask(path: Path, mask: Mask) -> None:
    """Write ``mask`` as a palette PNG in VOC colours."""
    height, width = mask.shape
    picture = PillowImage.frombytes("P", (width, height), mask.tobytes())
    picture.putpalette(palette())
    with atomic(path) as temporary:
        picture.save(temporary, format="PNG")


def write_regions(path: Path, regions: Regions) -> None:
    """Write the numbers of regions, (H, W) from 0 to 65,535, as a PNG with 16 bits a pixel."""
    if regions.min() < 0 or regions.max() > REGION_LIMIT:
        raise DataError(
            f"{path} would hold the regions {regions.min()} to {regions.max()}; expected 0 to "
            f"{REGION_LIMIT}, so make regions larger"
        )
    with atomic(path) as temporary:
        PillowImage.fromarray(regions.astype(np.uint16)).save(temporary, format="PNG")


def write_grey(path: Path, values: NDArray[np.uint8]) -> None:
    """Write (H, W) values as a single-channel PNG."""
    with atomic(path) as temporary:
        PillowImage.fromarray(values).save(temporary, format="PNG")
