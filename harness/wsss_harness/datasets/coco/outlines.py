"""Outlines of instances in COCO's format: lists of polygons, or run lengths down the columns."""

import sys
import warnings
from collections.abc import Mapping
from itertools import chain
from typing import Any, TypeGuard

import numpy as np
from numpy.typing import NDArray

from wsss_harness.contract.errors import ConfigError, DataError

Size = tuple[int, int]
Box = tuple[float, float, float, float]  # left, top, right, bottom
Polygons = list[list[float]]


def instance_pixels(outline: Any, size: Size, image_id: str) -> NDArray[np.bool_]:
    """The pixels of an instance, (H, W), from polygons or from run lengths as of crowds.

    Raises:
        ConfigError: the outline has polygons, and pycocotools is missing.
        DataError: the outline is not in COCO's format.
    """
    try:
        if isinstance(outline, Mapping):
            return _pixels_of_runs(run_lengths(outline, size), size)
        polygons = _polygons(outline, size)
    except ValueError as error:
        raise DataError(f"image {image_id} has {error}; correct the annotation file") from None
    return _pixels_of_polygons(polygons, size)


def box_of(outline: Any, size: Size) -> Box | None:
    """The box around an outline, None of an empty one; ValueError if it is not in COCO's format."""
    if isinstance(outline, Mapping):
        return _box_of_runs(run_lengths(outline, size), size[0])
    polygons = _polygons(outline, size)
    if not polygons:
        return None
    x = list(chain.from_iterable(polygon[::2] for polygon in polygons))
    y = list(chain.from_iterable(polygon[1::2] for polygon in polygons))
    return min(x), min(y), max(x), max(y)


def _polygons(outline: Any, size: Size) -> Polygons:
    """The polygons that enclose anything, which takes three points."""
    if not isinstance(outline, list):
        raise ValueError("an outline that is neither a list of polygons nor run lengths")
    for polygon in outline:
        _check_polygon(polygon, size)
    return [polygon for polygon in outline if len(polygon) >= 6]


def _check_polygon(polygon: Any, size: Size) -> None:
    """A polygon may leave its image, but far outside pycocotools would draw for hours."""
    if not isinstance(polygon, list) or not set(map(type, polygon)) <= {int, float}:
        raise ValueError("a polygon that is not a list of numbers")
    if len(polygon) % 2 or len(polygon) < 4:
        raise ValueError(f"a polygon of {len(polygon)} numbers instead of pairs x, y")
    for numbers, side in ((polygon[::2], size[1]), (polygon[1::2], size[0])):
        if min(numbers) < -side or max(numbers) > 2 * side:
            raise ValueError(f"a coordinate far outside its {size[1]}x{size[0]} pixels")


def run_lengths(outline: Mapping[str, Any], size: Size) -> NDArray[np.int64]:
    """The lengths of the runs, outside and inside in turn; ValueError if they do not fit."""
    if outline.get("size") != list(size):
        raise ValueError(
            f"run lengths of the size {outline.get('size')}; its height and width are {list(size)}"
        )
    counts = outline.get("counts")
    counts = _decompressed(counts) if isinstance(counts, str) else counts
    if not _are_lengths(counts):
        raise ValueError("run lengths that are not whole numbers of 0 or more")
    if (total := sum(counts)) != size[0] * size[1]:
        raise ValueError(f"run lengths of {total} pixels in all instead of {size[0] * size[1]}")
    return np.array(counts, np.int64)


def _are_lengths(counts: Any) -> TypeGuard[list[int]]:
    return isinstance(counts, list) and set(map(type, counts)) <= {int} and min(counts) >= 0


def _decompressed(text: str) -> list[int]:
    """Lengths from COCO's text of them: 5 bits per character, low ones first.

    From the fourth on, a length is written as its difference from the one two before.
    """
    counts: list[int] = []
    value = shift = 0
    for code in text.encode("ascii", "replace"):
        if not 48 <= code < 112 or shift > 60:
            raise ValueError("compressed run lengths that cannot be read")
        value |= (code - 48 & 31) << shift
        shift += 5
        if code - 48 & 32:  # more bits follow
            continue
        value -= (1 << shift) if code - 48 & 16 else 0
        counts.append(value + (counts[-2] if len(counts) > 2 else 0))
        value = shift = 0
    if shift:
        raise ValueError("compressed run lengths that break off")
    return counts


def _pixels_of_runs(lengths: NDArray[np.int64], size: Size) -> NDArray[np.bool_]:
    inside = np.arange(len(lengths)) % 2 == 1
    return np.repeat(inside, lengths).reshape(size[::-1]).T


def _box_of_runs(lengths: NDArray[np.int64], height: int) -> Box | None:
    ends = np.cumsum(lengths)
    inside = lengths[1::2] > 0
    first, last = (ends - lengths)[1::2][inside], ends[1::2][inside] - 1
    if not len(first):
        return None
    left, right = first // height, last // height
    if (left != right).any():  # a run that goes on in the next column touches top and bottom
        return float(left[0]), 0.0, float(right[-1] + 1), float(height)
    top, bottom = (first % height).min(), (last % height).max() + 1
    return float(left[0]), float(top), float(right[-1] + 1), float(bottom)


def _pixels_of_polygons(polygons: Polygons, size: Size) -> NDArray[np.bool_]:
    if not polygons:
        return np.zeros(size, bool)
    masks = pycocotools_mask()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of numpy 1 functions it calls
        pixels = masks.decode(masks.merge(masks.frPyObjects(polygons, *size)))
    return np.asarray(pixels, bool)


def pycocotools_mask() -> Any:
    """The module pycocotools.mask; ConfigError with the install command if it is missing."""
    try:
        from pycocotools import mask
    except ImportError as error:
        raise ConfigError(
            f"the dataset coco14 draws instances with pycocotools ({error}). Install it by: "
            f"{sys.executable} -m pip install 'wsss-bench[coco]', or set dataset.masks"
        ) from None
    return mask
