"""Training items of IRN: crops of rescaled images with their labels on the grid."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image as PillowImage

from wsss_harness import IGNORE, Cropping, Mask
from wsss_harness.networks.classmaps.augment import Window, draw_jitter, draw_window, resized

if TYPE_CHECKING:
    from wsss_harness import View

Item = dict[str, Any]


def item_maker(
    data: View,
    labels: Callable[[str], Mask],
    rescale: tuple[float, float],
    stride: int,
    settings: Cropping,
) -> Callable[[str, np.random.Generator], Item]:
    """Items {"image" (3, crop, crop), "label" (crop / stride, crop / stride)}.

    Image and label are rescaled by the same factor, the image by bicubic interpolation; outside the
    image the label is 255 (jiwoon-ahn/irn, voc12/dataloader.py: VOC12AffinityDataset).
    """

    def make(image_id: str, rng: np.random.Generator) -> Item:
        image = data[image_id].image
        factor = rng.uniform(*rescale)
        size = max(1, round(image.shape[1] * factor)), max(1, round(image.shape[0] * factor))
        mirrored = rng.random() < settings.flip
        changes = draw_jitter(settings.jitter, rng)
        columns, rows = (draw_window(side, settings.crop, rng) for side in size)
        values = settings.changed(resized(PillowImage.fromarray(image), size, mirrored), changes)
        label = nearest(labels(image_id), size)[:, :: -1 if mirrored else 1]
        cropped = crop_label(label, rows, columns, settings.crop)
        filled = settings.placed(values, rows, columns)
        return {"image": filled, "label": reduced(cropped, stride)}

    return make


def nearest(label: Mask, size: tuple[int, int]) -> Mask:
    picture = PillowImage.fromarray(label).resize(size, PillowImage.Resampling.NEAREST)
    return np.asarray(picture)


def crop_label(label: Mask, rows: Window, columns: Window, crop: int) -> Mask:
    filled = np.full((crop, crop), IGNORE, np.uint8)
    filled[rows[1], columns[1]] = label[rows[0], columns[0]]
    return filled


def reduced(label: Mask, stride: int) -> Mask:
    """The label of each square of ``stride`` pixels: that of its middle, as Pillow's nearest."""
    middle = stride // 2
    return np.ascontiguousarray(label[middle::stride, middle::stride])
