"""Pictures and labels at the sizes of training and of its grid.

yaoqi-zd/SGAN: lib/dataset/voc12_sgan.py.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import zoom

from wsss_harness import IGNORE, Mask

if TYPE_CHECKING:
    from wsss_harness import Map

NEAREST, LINEAR = 0, 1  # orders of splines
Size = tuple[int, int]


def zoomed(values: NDArray[Any], size: Size, order: int) -> NDArray[Any]:
    """(H, W, ...) at ``size`` (rows, columns), of the same type.

    Corners keep their places, and whole numbers are rounded.
    """
    height, width = values.shape[:2]
    factors = (size[0] / height, size[1] / width, *[1] * (values.ndim - 2))
    resized: NDArray[Any] = zoom(values, factors, order=order)
    return resized


def salient_map(grey: NDArray[np.uint8], grid: int, threshold: float) -> NDArray[np.float32]:
    """Saliency (H, W) in 0..255 to zeros and ones (grid, grid): 1 above ``threshold`` of 255.

    The outermost pixels are 0.
    """
    salient = zoomed(grey, (grid, grid), LINEAR) / 255.0 > threshold
    salient[[0, -1]] = False
    salient[:, [0, -1]] = False
    return salient.astype(np.float32)


def levels(saliency: Map) -> NDArray[np.uint8]:
    """Saliency in [0, 1] as the levels of an 8-bit picture."""
    return np.rint(saliency * 255).astype(np.uint8)


def seed_targets(seeds: Mask, grid: int) -> NDArray[np.int64]:
    """Seeds (H, W), of classes 1..C, to (grid, grid): class - 1, and 255 for all else.

    Seeds of the background teach nothing, as in the released program.
    """
    small = zoomed(seeds, (grid, grid), NEAREST).astype(np.int64)
    nothing = (small == 0) | (small == IGNORE)
    return np.where(nothing, IGNORE, small - 1)
