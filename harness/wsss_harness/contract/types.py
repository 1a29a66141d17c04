"""The data that plugins exchange: samples, class scores and masks."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wsss_harness.contract.errors import DataError, PluginError, WsssError
from wsss_harness.contract.texts import Texts

BACKGROUND = 0
IGNORE = 255

Image = NDArray[np.uint8]  # (H, W, 3) RGB
Mask = NDArray[np.uint8]  # (H, W): 0 background, 1..C class, 255 ignore
Map = NDArray[np.float32]  # (H, W) in [0, 1]
Regions = NDArray[np.int32]  # (H, W): pixels of one region have one number, from 0
RegionMasks = NDArray[np.bool_]  # (M, H, W): regions that may overlap and leave pixels out


def classes_in(mask: Mask) -> set[int]:
    """The numbers of the classes in a mask."""
    return set(np.unique(mask).tolist()) - {BACKGROUND, IGNORE}


def unknown_value(mask: NDArray[np.integer[Any]], classes: int) -> int | None:
    """The first value that is neither 0..``classes`` nor 255; None if there is none."""
    unknown = mask[(mask < 0) | ((mask > classes) & (mask != IGNORE))]
    return int(unknown[0]) if unknown.size else None


@dataclass(frozen=True)
class Sample:
    """One image with the declared supervision, each part read on first use; never the truth.

    ``give(part)`` returns "image", "image_labels", "saliency" or "regions": a map of numbers, or
    a stack of masks.

    Raises:
        SupervisionError: the plugin did not declare the part.
    """

    image_id: str
    give: Callable[[str], Any]

    def check_size(
        self, size: tuple[int, ...], what: str, error: type[WsssError] = DataError
    ) -> None:
        """Raise ``error`` unless ``size``, that of its ``what``, is that of the image."""
        if size != self.image.shape[:2]:
            raise error(
                f"the size of the {what} of image {self.image_id} is {size}, that of the image is "
                f"{self.image.shape[:2]}; both must have the same height and width"
            )

    @cached_property
    def image(self) -> Image:
        """(H, W, 3) uint8 RGB."""
        image: Image = self.give("image")
        return image

    @cached_property
    def present(self) -> tuple[int, ...]:
        """The classes in the image, from 1..C, ascending."""
        present: tuple[int, ...] = self.give("image_labels")
        return present

    @cached_property
    def saliency(self) -> Map:
        """(H, W) in [0, 1]; high on salient objects."""
        saliency: Map = self.give("saliency")
        return saliency

    @cached_property
    def regions(self) -> Regions:
        """(H, W) int32: the regions of a suite, such as superpixels; they belong to no class.

        Raises:
            DataError: they are masks that may overlap, as those of SAM.
        """
        regions: Regions = self.give("regions")
        if regions.ndim != 2:
            raise DataError(
                f"the regions of image {self.image_id} are masks, which may overlap, but this "
                "method needs one number for each pixel; name superpixels or maps ID.png"
            )
        return regions

    @cached_property
    def region_masks(self) -> RegionMasks:
        """(M, H, W) of bool: each region by itself; those of masks may overlap."""
        regions = self.give("regions")
        masks: RegionMasks = regions
        return masks if regions.ndim == 3 else regions == np.unique(regions)[:, None, None]

    @cached_property
    def texts(self) -> Texts:
        """Prompts of the classes and background words, the same for every image."""
        texts: Texts = self.give("language")
        return texts


@dataclass(frozen=True)
class ClassScores:
    """Score maps of K classes of one image.

    Attributes:
        classes: the K class numbers, from 1..C, ascending.
        values: (K, H, W) float32 in [0, 1]; ``values[k]`` belongs to ``classes[k]``.
        background: (H, W) float32 in [0, 1], or None if the method makes no background map.
        arrays: what a generator leaves for refiners by name, or what a refiner wants of that, such
            as attention; of any shape, kept as float16.

    Raises:
        PluginError: shapes do not agree, or classes do not ascend from 1 or more.
    """

    classes: tuple[int, ...]
    values: NDArray[np.float32]
    background: Map | None = None
    arrays: Mapping[str, NDArray[Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.values.ndim != 3 or len(self.classes) != len(self.values):
            raise PluginError(
                f"scores of {len(self.classes)} classes need values of shape "
                f"({len(self.classes)}, height, width), not {self.values.shape}"
            )
        if list(self.classes) != sorted(set(self.classes)) or BACKGROUND in self.classes:
            raise PluginError(f"classes must ascend and be at least 1, not {self.classes}")
        if self.background is not None and self.background.shape != self.size:
            raise PluginError(
                f"the background map is {self.background.shape}, but the scores are {self.size}"
            )

    @property
    def size(self) -> tuple[int, int]:
        """(H, W)."""
        height, width = self.values.shape[1:]
        return height, width

    def validate(self, image_id: str, source: str) -> None:
        """Raise PluginError, naming ``source``, if a value is not finite or not in [0, 1]."""
        maps = self.values if self.background is None else (*self.values, self.background)
        for scores in maps:
            low, high = float(scores.min()), float(scores.max())
            if not (low >= 0.0 and high <= 1.0):  # False for NaN too
                raise PluginError(
                    f"{source} gave scores for image {image_id} from {low:g} to {high:g}; "
                    "scores must be finite and lie in [0, 1]"
                )
