"""Images as the network sees them: squashed to a square, and three further copies.

GuoleiSun/MCIS_wsss: Classifier/utils/LoadData.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image as PillowImage

from wsss_harness import normalise, one_hot, require_option
from wsss_harness.networks.classmaps.augment import draw_jitter, jitter

if TYPE_CHECKING:
    from wsss_harness import Backbone, Image, View
    from wsss_mcis.partners import Partners
    from wsss_mcis.settings import McisSettings

Item = dict[str, Any]
Values = NDArray[np.float32]  # (3, side, side), normalised
COPIES = ("mirrored", "small", "large")


@dataclass(frozen=True)
class Squash:
    """How images become squares: ``sides`` in pixels of an image and of its two further copies.

    ``mean``, ``std``: of the backbone.
    """

    sides: tuple[int, int, int]
    mean: Sequence[float]
    std: Sequence[float]

    def whole(self, image: Image, changes: Sequence[tuple[int, float]] = ()) -> Values:
        """The image at its side, with ``changes`` of its colours; see augment.draw_jitter."""
        return self.values(jitter(squashed(image, self.sides[0]), changes))

    def copies(self, image: Image) -> dict[str, Values]:
        """The mirrored image, and the image at the two other sides."""
        mirrored = self.whole(image)[:, :, ::-1]
        others = (self.values(squashed(image, side)) for side in self.sides[1:])
        return dict(zip(COPIES, (np.ascontiguousarray(mirrored), *others), strict=True))

    def values(self, picture: PillowImage.Image) -> Values:
        return normalise(np.asarray(picture), self.mean, self.std)


def squash_of(settings: McisSettings, backbone: Backbone) -> Squash:
    """How images are squashed; ConfigError if the smallest has no node of the grid."""
    copies = settings.copies()
    whole = min(settings.crop, *copies) >= backbone.stride
    require_option(
        settings, "crop", whole, f"sides of at least {backbone.stride} pixels, the stride"
    )
    return Squash((settings.crop, *copies), backbone.mean, backbone.std)


def squashed(image: Image, side: int) -> PillowImage.Image:
    """An image (H, W, 3) as a square, by bilinear interpolation over all pixels."""
    picture = PillowImage.fromarray(image)
    return picture.resize((side, side), PillowImage.Resampling.BILINEAR)


@dataclass(frozen=True)
class PairMaker:
    """Training items: an image with its partner and its copies.

    {"image", "partner", "mirrored" (3, side, side), "small", "large", "present", "partner_present"
    (C,)}. Only image and partner have their colours changed, by ``strengths``.
    """

    data: View
    partners: Partners
    shared: float
    squash: Squash
    strengths: Sequence[float]

    def __call__(self, image_id: str, rng: np.random.Generator) -> Item:
        sample, classes = self.data[image_id], len(self.data.classes)
        partner = self.data[self.partners.draw(sample.present, self.shared, rng)]
        first, second = (draw_jitter(self.strengths, rng) for _ in range(2))
        return {
            "image": self.squash.whole(sample.image, first),
            "partner": self.squash.whole(partner.image, second),
            **self.squash.copies(sample.image),
            "present": one_hot(sample.present, classes),
            "partner_present": one_hot(partner.present, classes),
        }
