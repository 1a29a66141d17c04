"""From maps of pairs to one map of each class: GuoleiSun/MCIS_wsss, Classifier/scripts/test.py.

K is the number of present classes.
"""

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import interpolate

EPSILON = 1e-8
LEVELS = 255

Pictures = NDArray[np.uint8]  # (K, H, W)


def aligned(mirrored: Sequence[Tensor], others: Sequence[Tensor], group: Tensor) -> Tensor:
    """All maps (K, h, w) of an image on its own grid, (maps, K, h, w).

    ``mirrored``: those of the image and of its mirror image, which is mirrored back; ``others``:
    those of copies of other sides, resized by bicubic interpolation; ``group``: the mean of those
    with references.
    """
    own, back = mirrored
    resized = [interpolate(maps[None], own.shape[1:], mode="bicubic")[0] for maps in others]
    return torch.stack([own, back.flip(-1), *resized, group])


def summed(maps: NDArray[Any], at_least: float) -> Pictures:
    """The mean of ``maps`` (n, K, h, w), each divided by its largest value, in whole levels.

    A map whose mean has a sigmoid of ``at_least`` or less counts as 0, unless it is the first; the
    sum is divided by n all the same.
    """
    counts = 1 / (1 + np.exp(-means(maps))) > at_least
    counts[0] = True
    positive = maps.astype(np.float64).clip(0)
    shares = positive / (positive.max((2, 3), keepdims=True) + EPSILON) * LEVELS
    total = (shares * counts[:, :, None, None]).sum(0) / len(maps)
    levels: Pictures = total.astype(np.uint8)
    return levels


def means(maps: NDArray[Any]) -> NDArray[np.float64]:
    """(n, K) means of maps (n, K, h, w) with what is negative in them."""
    return np.asarray(maps.astype(np.float64).mean((2, 3)))


def at_size(pictures: Pictures, size: tuple[int, int]) -> Pictures:
    """Pictures (K, h, w) at ``size`` (H, W), by cubic interpolation."""
    target = size[::-1]
    return np.stack([cv2.resize(p, target, interpolation=cv2.INTER_CUBIC) for p in pictures])


def as_scores(pictures: Pictures, stretch: bool) -> NDArray[np.float32]:
    """Scores in [0, 1] of pictures (K, H, W); ``stretch``: each from its own 0 to its own 1."""
    scores = pictures / np.float64(LEVELS)
    if stretch:
        low, high = (end((1, 2), keepdims=True) for end in (pictures.min, pictures.max))
        scores = (pictures - low) / (high - low + EPSILON)
    values: NDArray[np.float32] = scores.astype(np.float32)
    return values
