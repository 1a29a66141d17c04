"""Regions of an image as other programs save them: a map of numbers, or masks that may overlap.

ID.png  a map: the number of the region of each pixel
ID.npz  a stack: one array (M, H, W) of bool, or of 0 and 255
ID/     masks: a PNG of each region, white inside and black outside, as SAM writes them
"""

from pathlib import Path
from typing import Any
from zipfile import BadZipFile
from zlib import error as zlib_error

import numpy as np
from numpy.typing import NDArray

from wsss_harness.contract.errors import DataError
from wsss_harness.contract.types import RegionMasks, Regions
from wsss_harness.system import pictures
from wsss_harness.system.digests import files_below

MAP, STACK = ".png", ".npz"
INSIDE = 255


def regions_of(folder: Path, image_id: str) -> Path | None:
    """The file or folder that holds the regions of an image; None if there is none.

    Raises:
        DataError: there are two.
    """
    candidates = folder / f"{image_id}{MAP}", folder / f"{image_id}{STACK}"
    paths = [path for path in candidates if path.is_file()]
    paths += [path for path in [folder / image_id] if path.is_dir() and any(path.glob("*.png"))]
    if len(paths) > 1:
        raise DataError(
            f"{paths[0]} and {paths[1]} both hold regions of image {image_id}; remove one of them"
        )
    return paths[0] if paths else None


def region_files(folder: Path) -> list[Path]:
    """All files of regions below a folder."""
    return sorted([*files_below(folder, MAP), *files_below(folder, STACK)])


def read_regions(folder: Path, image_id: str, size: tuple[int, ...]) -> Regions | RegionMasks:
    """The regions of an image: numbers (H, W), or masks (M, H, W) of bool.

    Raises:
        DataError: they are missing, damaged, of another kind or size, or there are two.
    """
    path = regions_of(folder, image_id)
    if path is None:
        raise DataError(
            f"{folder} has no regions of image {image_id}; expected {image_id}{MAP}, "
            f"{image_id}{STACK} or a folder {image_id} of masks"
        )
    if path.is_dir():
        return read_masks(path, size)
    return pictures.read_regions(path, size) if path.suffix == MAP else read_stack(path, size)


def read_masks(folder: Path, size: tuple[int, ...]) -> RegionMasks:
    """(M, H, W) of bool: the masks of a folder, in the order of their names."""
    masks = [mask_of(path, size) for path in sorted(folder.glob("*.png"))]
    return np.stack(masks)


def mask_of(path: Path, size: tuple[int, ...]) -> NDArray[np.bool_]:
    return _inside(pictures.read_map(path, size), 1, path)


def read_stack(path: Path, size: tuple[int, ...]) -> RegionMasks:
    """(M, H, W) of bool: the only array of a file of numpy.

    Raises:
        DataError: it is damaged, holds several arrays, or one of another type or size.
    """
    try:
        with path.open("rb") as file, np.lib.npyio.NpzFile(file, allow_pickle=False) as arrays:
            stacks: list[NDArray[Any]] = [arrays[name] for name in arrays.files]
    except (OSError, ValueError, BadZipFile, zlib_error) as error:
        raise DataError(f"{path} cannot be read: {error}; save it with numpy.savez") from None
    if len(stacks) != 1:
        raise DataError(f"{path} holds {len(stacks)} arrays; expected one, of (M, H, W)")
    stack = stacks[0]
    if stack.ndim != 3 or stack.shape[1:] != tuple(size):
        height, width = size
        raise DataError(f"{path} holds {stack.shape}; expected (M, {height}, {width})")
    if stack.dtype not in (np.bool_, np.uint8):
        raise DataError(f"{path} holds {stack.dtype}; save its masks as bool, or as 0 and {INSIDE}")
    return stack if stack.dtype == np.bool_ else _inside(stack, INSIDE, path)


def _inside(values: NDArray[Any], white: int, path: Path) -> NDArray[np.bool_]:
    """Where masks are white.

    Raises:
        DataError: they have other values than black and white, which a threshold would have to
            judge.
    """
    inside: NDArray[np.bool_] = values == white
    other = values[~inside & (values != 0)]
    if other.size:
        raise DataError(
            f"{path} holds the level {other[0] / white * INSIDE:g}; a mask of a region has "
            f"{INSIDE} inside, 0 outside and nothing else"
        )
    return inside
