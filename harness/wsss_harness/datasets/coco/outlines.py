"""Pixels of COCO's instances, decoded by pycocotools."""

import sys
import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wsss_harness.contract.errors import ConfigError, DataError


def instance_pixels(outline: Any, size: tuple[int, int], image_id: str) -> NDArray[np.bool_]:
    """The pixels of an instance, (H, W), from polygons or from run lengths as of crowds.

    Raises:
        ConfigError: pycocotools is missing.
        DataError: the outline is not in COCO's format.
    """
    try:
        pixels = _decode(outline, size)
    except ConfigError:
        raise
    except Exception as error:  # pycocotools raises many kinds for a damaged outline
        raise DataError(
            f"image {image_id} has an outline that cannot be drawn ({error}); get the annotation "
            "file again"
        ) from None
    if pixels.shape != size:
        raise DataError(
            f"image {image_id} has the size {size}, but an outline in it {pixels.shape}"
        )
    return pixels


def _decode(outline: Any, size: tuple[int, int]) -> NDArray[np.bool_]:
    masks = pycocotools_mask()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of numpy 1 functions it calls
        if isinstance(outline, list):
            encoded = masks.merge(masks.frPyObjects(outline, *size))
        elif isinstance(outline["counts"], list):
            encoded = masks.frPyObjects(outline, *size)
        else:
            encoded = outline
        pixels: NDArray[np.bool_] = masks.decode(encoded).astype(bool)
    return pixels


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
