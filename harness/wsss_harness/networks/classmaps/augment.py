"""The augmentations of the released classifiers as pure functions of a random generator.

jiwoon-ahn/psa (tool/imutils.py) and halbielee/EPS (util/imutils.py, metadata/dataset.py): a random
length of the long side, mirroring, colour jitter, normalisation, then a crop filled up with zeros.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Self

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image as PillowImage
from torchvision.transforms import functional

from wsss_harness.contract.types import Image, Map
from wsss_harness.networks.backbones.base import Backbone
from wsss_harness.networks.training.settings import TrainingSettings

Floats = NDArray[np.float32]
ADJUST = (
    functional.adjust_brightness,
    functional.adjust_contrast,
    functional.adjust_saturation,
    functional.adjust_hue,
)
Window = tuple[slice, slice]
"""A crop along one axis: where it is in the image, and where it lands."""


@dataclass(frozen=True, kw_only=True)
class Cropping:
    """How an image is augmented at its own size.

    ``jitter``: brightness, contrast, saturation and hue. ``mean``, ``std``: of the backbone, for
    pixels in [0, 1]. ``padding``: the colour outside the image; ``mean`` is zero after normalising,
    as released for classifiers, ``black`` is zero before, as released for AffinityNet.
    """

    crop: int
    mean: Sequence[float]
    std: Sequence[float]
    jitter: tuple[float, float, float, float] = (0.3, 0.3, 0.3, 0.1)
    flip: float = 0.5
    padding: str = "mean"

    @classmethod
    def of(cls, settings: TrainingSettings, backbone: Backbone, **options: Any) -> Self:
        """The augmentation that training options ask for, with the statistics of a backbone."""
        return cls(
            crop=settings.crop,
            mean=backbone.mean,
            std=backbone.std,
            jitter=settings.jitter,
            flip=settings.flip,
            padding=settings.padding,
            **options,
        )

    def changed(
        self, picture: PillowImage.Image, changes: Sequence[tuple[int, float]] = ()
    ) -> Floats:
        """(3, H, W): a picture with ``changes`` of its colours, normalised."""
        return normalise(np.asarray(jitter(picture, changes)), self.mean, self.std)

    def placed(self, values: Floats, rows: Window, columns: Window) -> Floats:
        """(3, crop, crop): a normalised image (3, H, W) in the crop, filled up around it."""
        return place(values, rows, columns, outside(self))


@dataclass(frozen=True, kw_only=True)
class Augmentation(Cropping):
    """Cropping after a random change of size; ``resize``: bounds of the long side in pixels."""

    resize: tuple[int, int]


def draw_window(length: int, crop: int, rng: np.random.Generator) -> Window:
    """A random crop, or a random place in the crop for an image that is shorter than it."""
    source = int(rng.integers(max(length - crop, 0) + 1))
    target = int(rng.integers(max(crop - length, 0) + 1))
    size = min(length, crop)
    return slice(source, source + size), slice(target, target + size)


def long_side(size: tuple[int, int], length: int) -> tuple[int, int]:
    """(width, height) whose longer side is ``length``, Python's round on the other."""
    width, height = size
    if width < height:
        return round(width * length / height), length
    return length, round(height * length / width)


def draw_jitter(strength: Sequence[float], rng: np.random.Generator) -> list[tuple[int, float]]:
    """Changes in random order as (0 brightness .. 3 hue, factor); a strength of 0 draws none."""
    order = rng.permutation(4)
    factors = rng.uniform(-1, 1, 4) * np.asarray(strength)
    centre = (1.0, 1.0, 1.0, 0.0)
    return [(int(i), float(centre[i] + factors[i])) for i in order if strength[i]]


def jitter(picture: PillowImage.Image, changes: Sequence[tuple[int, float]]) -> PillowImage.Image:
    for property_number, factor in changes:
        picture = ADJUST[property_number](picture, factor)
    return picture


def normalise(image: Image, mean: Sequence[float], std: Sequence[float]) -> Floats:
    """(H, W, 3) uint8 to (3, H, W) float32 with the statistics of the backbone."""
    table = normalised_levels(tuple(mean), tuple(std))
    return np.ascontiguousarray(cv2.LUT(np.ascontiguousarray(image), table).transpose(2, 0, 1))


@cache
def normalised_levels(mean: tuple[float, ...], std: tuple[float, ...]) -> Floats:
    """(256, 1, 3): a table of all levels, because an image has more pixels than levels."""
    scale = 1 / (255 * np.asarray(std, np.float32))
    shift = np.asarray(mean, np.float32) / np.asarray(std, np.float32)
    levels = np.arange(256, dtype=np.uint8)[:, None, None]
    return (levels * scale - shift).astype(np.float32)


def place(values: Floats, rows: Window, columns: Window, filled: Floats) -> Floats:
    """Copy the crop of ``values`` (channels, H, W) into ``filled`` (channels, crop, crop)."""
    filled[:, rows[1], columns[1]] = values[:, rows[0], columns[0]]
    return filled


def outside(settings: Cropping) -> Floats:
    """The crop before the image is placed in it, (3, crop, crop)."""
    shape = (settings.crop, settings.crop, 3)
    if settings.padding == "black":
        return normalise(np.zeros(shape, np.uint8), settings.mean, settings.std)
    return np.zeros((3, *shape[:2]), np.float32)


def augment(
    image: Image, saliency: Map | None, settings: Augmentation, rng: np.random.Generator
) -> tuple[Floats, Floats | None]:
    """(3, crop, crop) and, for a saliency map, (1, crop, crop) in [0, 1] with 0 outside.

    Image and saliency get the same geometry; the random numbers do not depend on the saliency.
    """
    length = int(rng.integers(settings.resize[0], settings.resize[1] + 1))
    size = long_side((image.shape[1], image.shape[0]), length)
    mirrored = rng.random() < settings.flip
    changes = draw_jitter(settings.jitter, rng)
    columns, rows = (draw_window(side, settings.crop, rng) for side in size)
    values = settings.changed(resized(PillowImage.fromarray(image), size, mirrored), changes)
    cropped = settings.placed(values, rows, columns)
    if saliency is None:
        return cropped, None
    # Saliency is resized as an 8-bit picture, as released; 8 bits clip the overshoot.
    grey_picture = PillowImage.fromarray(np.rint(saliency * 255).astype(np.uint8))
    grey = np.asarray(resized(grey_picture, size, mirrored))
    values = np.divide(grey[None], np.float32(255), dtype=np.float32)
    return cropped, place(values, rows, columns, np.zeros_like(cropped[:1]))


def resized(picture: PillowImage.Image, size: tuple[int, int], mirrored: bool) -> PillowImage.Image:
    """Resize by bicubic interpolation, as released; mirror if ``mirrored``."""
    picture = picture.resize(size, PillowImage.Resampling.BICUBIC)
    return picture.transpose(PillowImage.Transpose.FLIP_LEFT_RIGHT) if mirrored else picture
