"""What travels through a benchmark: samples, class scores and masks."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wsss_harness.contract.errors import PluginError

BACKGROUND = 0
IGNORE = 255

Image = NDArray[np.uint8]  # (H, W, 3) RGB
Mask = NDArray[np.uint8]  # (H, W): 0 background, 1..C class, 255 ignore
Map = NDArray[np.float32]  # (H, W) in [0, 1]


@dataclass(frozen=True)
class Sample:
    """One image with the supervision that its reader declared; there is no truth in it.

    ``give(part)`` returns ``"image"``, ``"image_labels"`` or ``"saliency"``, or raises
    SupervisionError for an undeclared part. Parts are read when they are first asked for.
    """

    image_id: str
    give: Callable[[str], Any]

    @cached_property
    def image(self) -> Image:
        image: Image = self.give("image")
        return image

    @cached_property
    def present(self) -> tuple[int, ...]:
        """The classes in the image, ascending, out of 1..C."""
        present: tuple[int, ...] = self.give("image_labels")
        return present

    @cached_property
    def saliency(self) -> Map:
        saliency: Map = self.give("saliency")
        return saliency


@dataclass(frozen=True)
class ClassScores:
    """Score maps of some classes of one image, (K, H, W) in [0, 1].

    ``values[k]`` belongs to class ``classes[k]``; classes ascend. ``background`` is an explicit
    background map, (H, W) in [0, 1], where a method makes one.
    """

    classes: tuple[int, ...]
    values: NDArray[np.float32]
    background: Map | None = None

    def __post_init__(self) -> None:
        if self.values.ndim != 3 or len(self.classes) != len(self.values):
            raise PluginError(
                f"scores of {len(self.classes)} classes need values of shape "
                f"({len(self.classes)}, height, width), but got {self.values.shape}"
            )
        if list(self.classes) != sorted(set(self.classes)) or BACKGROUND in self.classes:
            raise PluginError(f"classes must ascend and start at 1, but are {self.classes}")
        if self.background is not None and self.background.shape != self.size:
            raise PluginError(
                f"the background map is {self.background.shape}, the scores are {self.size}"
            )

    @property
    def size(self) -> tuple[int, int]:
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
