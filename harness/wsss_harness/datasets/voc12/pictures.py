"""Masks and label maps out of the files of the archives, checked."""

import io
from collections.abc import Mapping
from typing import Any

import numpy as np
from PIL import Image as PillowImage
from scipy.io import loadmat

from wsss_harness.contract.errors import DataError
from wsss_harness.contract.types import IGNORE, Mask
from wsss_harness.datasets.voc12.labels import CLASSES
from wsss_harness.system.files import palette

COLOURS = 3 * (len(CLASSES) + 1)


def palette_mask(content: bytes, name: str) -> Mask:
    """The class indices of a palette PNG of VOC.

    Raises:
        DataError: it is no palette PNG, its colours have another order, or a value is no class.
    """
    try:
        with PillowImage.open(io.BytesIO(content)) as picture:
            mode, colours, mask = picture.mode, picture.getpalette(), np.array(picture)
    except (OSError, ValueError, SyntaxError) as error:
        raise DataError(f"{name} cannot be read as an image ({error})") from None
    if mode != "P" or colours is None:
        raise DataError(f"{name} has the mode '{mode}'; masks of VOC are palette PNG")
    check_palette(colours, name)
    return _checked(mask, name)


def check_palette(colours: list[int], name: str) -> None:
    """Raise DataError if the colours of the classes are not those of VOC, in its order."""
    if colours[:COLOURS] != list(palette()[:COLOURS]):
        raise DataError(
            f"the palette of {name} is not that of PASCAL VOC, so its values may be other classes; "
            "take the official mask, or save the class indices with VOC's colours"
        )


def sbd_mask(content: bytes, name: str) -> Mask:
    """The class indices in a file of SBD's folder cls: GTcls.Segmentation.

    Raises:
        DataError: it is damaged, or is another kind of MATLAB file.
    """
    return _checked(np.asarray(_field(_matlab(content, name), name, "GTcls", "Segmentation")), name)


def label_map(content: bytes, name: str) -> np.ndarray[Any, np.dtype[Any]]:
    """The label of each pixel, 1..459, in a file of PASCAL-Context: LabelMap."""
    return np.asarray(_field(_matlab(content, name), name, "LabelMap"))


def _matlab(content: bytes, name: str) -> Mapping[str, Any]:
    try:
        read: Mapping[str, Any] = loadmat(io.BytesIO(content))
    except Exception as error:  # scipy raises many kinds for a damaged file
        raise DataError(
            f"{name} cannot be read as a MATLAB file ({error}); get its archive again"
        ) from None
    return read


def _field(content: Mapping[str, Any], name: str, variable: str, part: str = "") -> Any:
    try:
        found = content[variable]
        return found[part][0, 0] if part else found
    except (KeyError, IndexError, ValueError, TypeError):
        wanted = f"{variable}.{part}" if part else variable
        raise DataError(
            f"{name} has no {wanted}; it is not of the archive that it should be"
        ) from None


def _checked(mask: np.ndarray[Any, np.dtype[Any]], name: str) -> Mask:
    if mask.ndim != 2 or not np.isin(mask, [*range(len(CLASSES) + 1), IGNORE]).all():
        raise DataError(
            f"{name} holds {mask.dtype} {mask.shape} with values up to {mask.max(initial=0)}; "
            f"expected a mask with 0..{len(CLASSES)} or {IGNORE}"
        )
    return np.ascontiguousarray(mask, dtype=np.uint8)
