"""Random scale, colour, crop and flip of an image and its mask."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from wsss_harness.contract.types import IGNORE, Image, Mask


@dataclass(frozen=True)
class SegmentorAugmentation:
    """One of ``scales``, a horizontal flip with probability ``flip``, a square ``crop``.

    An image smaller than the crop is padded with ``colour``, its mask with 255. ``between``: draw
    any scale from the first to the last. ``hsv``: the largest change of hue, saturation and value,
    see ``shifted``. ``cubic``: how images are resized, see ``resized``.
    """

    crop: int
    scales: tuple[float, ...]
    flip: float
    colour: tuple[int, int, int]
    between: bool = False
    hsv: int = 0
    cubic: bool = False

    def __call__(self, image: Image, mask: Mask, rng: np.random.Generator) -> tuple[Image, Mask]:
        if self.hsv:
            image = shifted(image, rng.integers(-self.hsv, self.hsv + 1, 3))
        image, mask = resized(image, mask, self.scale(rng), self.cubic)
        image, mask = padded(image, mask, self.crop, self.colour)
        top, left = (int(rng.integers(side - self.crop + 1)) for side in mask.shape)
        window = np.s_[top : top + self.crop, left : left + self.crop]
        image, mask = image[window], mask[window]
        if rng.random() < self.flip:
            image, mask = image[:, ::-1], mask[:, ::-1]
        return np.ascontiguousarray(image), np.ascontiguousarray(mask)

    def scale(self, rng: np.random.Generator) -> float:
        if self.between:
            return float(rng.uniform(self.scales[0], self.scales[-1]))
        return self.scales[rng.integers(len(self.scales))]


def shifted(image: Image, moves: NDArray[np.int64]) -> Image:
    """Move hue, saturation and value of an image; hues go around a circle of 180 steps.

    usr922/wseg, segmentation/lib/datasets/transform.py: RandomHSV.
    """
    hsv = cv2.cvtColor(image, cv2.COLOR_RGB2HSV) + moves
    hsv[..., 0] %= 180
    moved: Image = cv2.cvtColor(hsv.clip(0, 255).astype(np.uint8), cv2.COLOR_HSV2RGB)
    return moved


def resized(image: Image, mask: Mask, scale: float, cubic: bool = False) -> tuple[Image, Mask]:
    """Resize the image bilinearly or bicubically, the mask by nearest neighbour; round sizes."""
    if scale == 1:
        return image, mask
    height, width = (max(1, round(side * scale)) for side in mask.shape)
    how = cv2.INTER_CUBIC if cubic else cv2.INTER_LINEAR
    grown = cv2.resize(image, (width, height), interpolation=how)
    nearest = cv2.resize(mask, (width, height), interpolation=cv2.INTER_NEAREST_EXACT)
    return grown.astype(np.uint8), nearest.astype(np.uint8)


def padded(image: Image, mask: Mask, crop: int, colour: tuple[int, int, int]) -> tuple[Image, Mask]:
    """Pad on the right and at the bottom to at least ``crop`` pixels on each side."""
    height, width = mask.shape
    shape = (max(height, crop), max(width, crop))
    if shape == mask.shape:
        return image, mask
    wide_image = np.full((*shape, 3), colour, np.uint8)
    wide_mask = np.full(shape, IGNORE, np.uint8)
    wide_image[:height, :width], wide_mask[:height, :width] = image, mask
    return wide_image, wide_mask
