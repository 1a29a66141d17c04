"""Training items of ICD: crops of rescaled images with their regions.

js-fan/ICD: core/data/VOC/voc_wsss_sp_loader.py.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image as PillowImage

from wsss_harness import Cropping, one_hot
from wsss_harness.networks.classmaps.augment import Window, draw_jitter

if TYPE_CHECKING:
    from wsss_harness import Regions, Sample, View

Item = dict[str, Any]


def item_maker(
    data: View, regions: Callable[[Sample], Regions], rescale: Sequence[float], settings: Cropping
) -> Callable[[str, np.random.Generator], Item]:
    """Items {"image" (3, crop, crop), "present" (C,), "regions" (crop, crop)}.

    Both sides are multiplied by one of the factors ``rescale``, linearly for the image and by
    nearest neighbours for regions. What lies outside the image is a region of its own.
    """

    def make(image_id: str, rng: np.random.Generator) -> Item:
        sample = data[image_id]
        factor, mirrored = rng.choice(rescale), rng.random() < settings.flip
        size = [max(1, round(side * factor)) for side in sample.image.shape[1::-1]]
        columns, rows = (draw_corner_window(side, settings.crop, rng) for side in size)
        image = PillowImage.fromarray(resized(sample.image, size, mirrored, cv2.INTER_LINEAR))
        values = settings.changed(image, draw_jitter(settings.jitter, rng))
        scaled = resized(regions(sample), size, mirrored, cv2.INTER_NEAREST)
        return {
            "image": settings.placed(values, rows, columns),
            "present": one_hot(sample.present, len(data.classes)),
            "regions": cropped(scaled, rows, columns, settings.crop),
        }

    return make


def draw_corner_window(length: int, crop: int, rng: np.random.Generator) -> Window:
    """A random crop; an image shorter than it lies at its top or left."""
    source = int(rng.integers(max(length - crop, 0) + 1))
    size = min(length, crop)
    return slice(source, source + size), slice(0, size)


def resized(
    values: NDArray[Any], size: Sequence[int], mirrored: bool, interpolation: int
) -> NDArray[Any]:
    """(H, W, ...) at ``size`` (width, height), mirrored if ``mirrored``."""
    scaled: NDArray[Any] = cv2.resize(values, tuple(size), interpolation=interpolation)
    return np.ascontiguousarray(scaled[:, ::-1]) if mirrored else scaled


def cropped(regions: Regions, rows: Window, columns: Window, crop: int) -> NDArray[np.int64]:
    """Regions of a crop (crop, crop), numbered from 0 without gaps."""
    filled = np.full((1, crop, crop), regions.max() + 1, np.int64)
    filled[:, rows[1], columns[1]] = regions[rows[0], columns[0]]
    return np.unique(filled[0], return_inverse=True)[1].reshape(crop, crop)
