"""The tags of SeCo: the class that a crop shows, if it shows only one.

Yang et al., "Separate and Conquer: Decoupling Co-occurrence via Decomposition and Representation
for Weakly Supervised Semantic Segmentation", CVPR 2024, section 3.2; zwyang6/SeCo:
utils/camutils.py assign_csc_tags.
"""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from wsss_toco.crops import LocalCrops
from wsss_toco.labels import IGNORED, UNCERTAIN

SEVERAL = -1  # the tag of a crop whose class is not known, or that shows several
BACKGROUND = 0


@dataclass(frozen=True)
class Tagger:
    """Tags of crops and of whole images, from regions with 0, 1..C, -1 uncertain and 255.

    A crop is background unless enough of it belongs to a class or is uncertain. ``area`` compares
    the share of such pixels with ``threshold``; ``numbers``, as released, the mean of the class
    numbers, so that class 20 needs a twentieth of what class 1 needs. An image without any class is
    background too, or class 1 as ``released``.
    """

    threshold: float = 0.2
    counted: Literal["area", "numbers"] = "area"
    empty: Literal["background", "released"] = "background"

    def of_image(self, regions: Tensor) -> int:
        classes = classes_in(regions)
        if len(classes) == 1:
            return classes[0]
        if classes:
            return SEVERAL
        return 1 if self.empty == "released" else BACKGROUND

    def of_crops(self, regions: Tensor, crops: LocalCrops, corners: Tensor) -> Tensor:
        """(count,) tags; in an image of one class what is uncertain counts as that class."""
        regions = regions.where(regions != IGNORED, 0)
        classes = classes_in(regions)
        filled = regions.where(regions != UNCERTAIN, classes[0] if len(classes) == 1 else UNCERTAIN)
        shares = self.shares(regions, crops, corners)
        tags = [
            self.of_crop(classes_in(crop), float(share))
            for crop, share in zip(crops.cut(filled, corners), shares, strict=True)
        ]
        return torch.tensor(tags, device=regions.device)

    def of_crop(self, classes: list[int], share: float) -> int:
        if share <= self.threshold:
            return BACKGROUND
        return classes[0] if len(classes) == 1 else SEVERAL

    def shares(self, regions: Tensor, crops: LocalCrops, corners: Tensor) -> Tensor:
        """(count,) what is compared with the threshold."""
        values = regions.where(regions != UNCERTAIN, 1).double()
        if self.counted == "area":
            values = (values > 0).double()
        return crops.cut(values, corners).mean((1, 2))


def classes_in(regions: Tensor) -> list[int]:
    """The classes 1..C of regions, ascending."""
    return [number for number in sorted(set(regions.flatten().tolist())) if 0 < number < IGNORED]
