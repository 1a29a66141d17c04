"""Saliency maps of another size than their image, which are resized only on request.

Released loaders resize a map to a size that they compute from the image alone (halbielee/EPS,
metadata/dataset.py, bicubic), so it may have any size there.
"""

from typing import Literal

import numpy as np
from PIL import Image as PillowImage

from wsss_harness.contract.types import Map

Resize = Literal["none", "nearest", "bilinear", "bicubic"]
KINDS = {
    "nearest": PillowImage.Resampling.NEAREST,
    "bilinear": PillowImage.Resampling.BILINEAR,
    "bicubic": PillowImage.Resampling.BICUBIC,
}
REMEDY = (
    '. If the map shows the whole image, resize_saliency = "bicubic" of the dataset, or resize of '
    "the table [saliency.NAME], brings it to the size of the image"
)


def resized(values: Map, size: tuple[int, ...], resize: Resize) -> Map:
    """A map of the whole image at ``size`` (H, W), by Pillow's interpolation, clipped to [0, 1].

    Pillow averages over more pixels where it makes a map smaller.
    """
    if values.shape == tuple(size):
        return values
    picture = PillowImage.fromarray(values).resize((size[1], size[0]), KINDS[resize])
    return np.asarray(picture, np.float32).clip(0, 1)


def identity(resize: Resize) -> dict[str, str]:
    """What cache keys say of resizing; empty without it, so that older keys stay."""
    return {} if resize == "none" else {"resize_saliency": resize}
