"""The canvas on whose top left an image is seen."""

from collections.abc import Sequence

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from wsss_harness import Image, normalise

Size = tuple[int, int]
Maps = NDArray[np.float32]


def canvas_of(image: Image, side: int, stride: int) -> Size:
    """(H, W): ``side`` squared; a longer side of the image gets whole steps of the grid.

    js-fan/ICD crops what is larger (no image of VOC is).
    """
    height, width = (
        max(side, -(-(length - 1) // stride) * stride + 1) for length in image.shape[:2]
    )
    return height, width


def on_canvas(
    image: Image, canvas: Size, mean: Sequence[float], std: Sequence[float], subtract: bool = True
) -> Tensor:
    """(1, 3, H, W): a normalised image with the mean colour below and to its right.

    Without ``subtract`` the mean is not subtracted, of either.
    """
    height, width = image.shape[:2]
    values = np.zeros((1, 3, *canvas), np.float32)
    values[0, :, :height, :width] = normalise(image, mean, std)
    if not subtract:
        values += np.divide(mean, std, dtype=np.float32)[:, None, None]
    return torch.from_numpy(values)


def at_image(maps: Maps, canvas: Size, size: Size) -> Maps:
    """(K, h, w) resized linearly to the canvas, then cropped to the ``size`` of the image."""
    if not len(maps):
        return np.zeros((0, *size), np.float32)
    large = [cv2.resize(m, canvas[::-1], interpolation=cv2.INTER_LINEAR) for m in maps]
    return np.stack(large)[:, : size[0], : size[1]]
