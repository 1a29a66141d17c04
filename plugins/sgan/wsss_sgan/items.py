"""What the network sees of an image: the image, its saliency and its seeds, all squashed.

yaoqi-zd/SGAN: lib/dataset/voc12_sgan.py.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image as PillowImage

from wsss_harness import normalise, one_hot
from wsss_harness.networks.classmaps.augment import draw_jitter, jitter
from wsss_sgan.grids import LINEAR, NEAREST, levels, salient_map, seed_targets, zoomed
from wsss_sgan.network import grid_of
from wsss_sgan.seeds import initial_seeds

if TYPE_CHECKING:
    from wsss_harness import Backbone, ClassScores, Image, Mask, Sample, View
    from wsss_sgan.settings import SganSettings

Item = dict[str, Any]


@dataclass(frozen=True)
class Squashing:
    """Images at ``side`` x ``side`` pixels, whatever their shape, and maps on a grid.

    ``mean`` and ``std`` are those of the backbone; ``threshold``: pixels above it are salient.
    """

    side: int
    grid: int
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    threshold: float

    @classmethod
    def of(cls, settings: SganSettings, backbone: Backbone) -> Squashing:
        """What ``settings`` say, with the grid and the statistics of a backbone."""
        grid = grid_of(backbone, settings.crop)
        return cls(settings.crop, grid, backbone.mean, backbone.std, settings.salient)

    def squashed(self, values: NDArray[Any], order: int, mirrored: bool = False) -> NDArray[Any]:
        small = zoomed(values, (self.side, self.side), order)
        return np.ascontiguousarray(small[:, ::-1]) if mirrored else small

    def colours(self, image: Image) -> NDArray[np.float32]:
        """(3, side, side) of a squashed image."""
        return normalise(image, self.mean, self.std)

    def salient(self, sample: Sample, mirrored: bool = False) -> NDArray[np.float32]:
        """(grid, grid) zeros and ones."""
        grey = self.squashed(saliency_levels(sample), LINEAR, mirrored)
        return salient_map(grey, self.grid, self.threshold)

    def targets(self, seeds: Mask, mirrored: bool = False) -> NDArray[np.int64]:
        """(grid, grid) of class - 1, and 255 for no seed."""
        return seed_targets(self.squashed(seeds, NEAREST, mirrored), self.grid)


def saliency_levels(sample: Sample) -> NDArray[np.uint8]:
    """The saliency of an image in 0..255; DataError unless it has the size of the image."""
    sample.check_size(sample.saliency.shape, "saliency")
    return levels(sample.saliency)


def item_maker(
    data: View, scores: Callable[[str], ClassScores], settings: SganSettings, squashing: Squashing
) -> Callable[[str, np.random.Generator], Item]:
    """Items {"image" (3, side, side), "present" (C,), "salient" and "seeds" (grid, grid)}."""

    def make(image_id: str, rng: np.random.Generator) -> Item:
        sample, before = data[image_id], scores(image_id)
        sample.check_size(before.size, "scores")
        mirrored = rng.random() < settings.flip
        changes = draw_jitter(settings.jitter, rng)
        image = squashing.squashed(sample.image, LINEAR, mirrored)
        if changes:
            image = np.asarray(jitter(PillowImage.fromarray(image), changes))
        seeds = initial_seeds(before, settings.seed_threshold)
        return {
            "image": squashing.colours(image),
            "present": one_hot(sample.present, len(data.classes)),
            "salient": squashing.salient(sample, mirrored),
            "seeds": squashing.targets(seeds, mirrored),
        }

    return make
