"""Training items of ToCo and SeCo: a crop of an image, and looks at it with other colours.

rulixiang/ToCo and zwyang6/SeCo: datasets/voc.py, datasets/transforms.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image as PillowImage
from PIL import ImageFilter, ImageOps

from wsss_harness.networks.classmaps.augment import (
    Cropping,
    draw_jitter,
    draw_window,
    jitter,
    normalise,
)
from wsss_harness.networks.classmaps.fitting import one_hot

if TYPE_CHECKING:
    from wsss_harness import View

Item = dict[str, Any]
Picture = PillowImage.Image
BILINEAR, BICUBIC = PillowImage.Resampling.BILINEAR, PillowImage.Resampling.BICUBIC
MIRRORED = PillowImage.Transpose.FLIP_LEFT_RIGHT
JITTERED, GREY, SOLARISED = 0.8, 0.2, 0.2  # probabilities
BLUR = (0.1, 2.0)  # radii in pixels
AREA, ASPECT = (0.4, 1.0), (3 / 4, 4 / 3)  # of a second look at the whole image


@dataclass(frozen=True)
class Look:
    """How colours change: the probabilities of blur and solarisation; ``plain`` changes nothing."""

    blur: float = 0.0
    solarise: float = 0.0
    plain: bool = False


@dataclass(frozen=True)
class Looks:
    """The look that is segmented, the second one at the whole image, and that of the parts."""

    first: Look
    second: Look = Look(blur=0.1, solarise=SOLARISED)
    parts: Look = Look(blur=0.5)


@dataclass(frozen=True)
class ItemMaker:
    """Items {"image", "second", "parts" (3, crop, crop), "present" (C,), "box" (4,)}.

    "image" and "parts" show the same crop, "second" another one of the same image. The ``box`` is
    where the image lies in the crop: top, bottom, left, right. ``rescale``: bounds of a factor of
    both sides. ``mirror_again``: mirror each look once more, as released, so that neither box nor
    maps fit all of them.
    """

    data: View
    cropping: Cropping
    rescale: tuple[float, float]
    looks: Looks
    mirror_again: bool = False

    def __call__(self, image_id: str, rng: np.random.Generator) -> Item:
        sample = self.data[image_id]
        whole = PillowImage.fromarray(sample.image)
        crop, box = self.cropped(whole, rng)
        second = self.resized_crop(whole, rng)
        return {
            "image": self.look(crop, self.looks.first, rng),
            "second": self.look(second, self.looks.second, rng),
            "parts": self.look(crop, self.looks.parts, rng),
            "present": one_hot(sample.present, len(self.data.classes)),
            "box": box,
        }

    def cropped(self, picture: Picture, rng: np.random.Generator) -> tuple[Picture, Any]:
        """A crop of the resized picture with black around it, and its box."""
        factor, side = rng.uniform(*self.rescale), self.cropping.crop
        size = [max(1, int(factor * length)) for length in picture.size]
        picture = mirror(picture.resize((size[0], size[1]), BILINEAR), self.cropping.flip, rng)
        columns, rows = (draw_window(length, side, rng) for length in size)
        filled = np.zeros((side, side, 3), np.uint8)
        filled[rows[1], columns[1]] = np.asarray(picture)[rows[0], columns[0]]
        box = [rows[1].start, rows[1].stop, columns[1].start, columns[1].stop]
        return PillowImage.fromarray(filled), np.array(box)

    def resized_crop(self, picture: Picture, rng: np.random.Generator) -> Picture:
        """A part of the picture of random area and aspect, resized to a square, mirrored or not."""
        width, height = picture.size
        area, aspect = rng.uniform(*AREA), np.exp(rng.uniform(*np.log(ASPECT)))
        sides = np.sqrt(area * width * height * np.array([aspect, 1 / aspect]))
        right, down = np.minimum(np.maximum(sides.round(), 1), picture.size).astype(int)
        left, top = rng.integers(width - right + 1), rng.integers(height - down + 1)
        box = (int(left), int(top), int(left + right), int(top + down))
        resized = picture.resize((self.cropping.crop,) * 2, BICUBIC, box)
        return resized if self.mirror_again else mirror(resized, self.cropping.flip, rng)

    def look(self, picture: Picture, look: Look, rng: np.random.Generator) -> Any:
        if not look.plain:
            again = self.cropping.flip if self.mirror_again else 0.0
            picture = mirror(picture, again, rng)
            picture = recoloured(picture, look, self.cropping.jitter, rng)
        return normalise(np.asarray(picture), self.cropping.mean, self.cropping.std)


def mirror(picture: Picture, probability: float, rng: np.random.Generator) -> Picture:
    return picture.transpose(MIRRORED) if rng.random() < probability else picture


def recoloured(
    picture: Picture, look: Look, strength: Sequence[float], rng: np.random.Generator
) -> Picture:
    if rng.random() < JITTERED:
        picture = jitter(picture, draw_jitter(strength, rng))
    if rng.random() < GREY:
        picture = ImageOps.grayscale(picture).convert("RGB")
    if rng.random() < look.blur:
        picture = picture.filter(ImageFilter.GaussianBlur(rng.uniform(*BLUR)))
    if rng.random() < look.solarise:
        picture = ImageOps.solarize(picture)
    return picture
