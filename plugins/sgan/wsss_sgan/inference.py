"""Seeds of one image, from the maps of SGAN's network and from saliency.

yaoqi-zd/SGAN: tools/stage2/infer_cam.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray

from wsss_harness import BACKGROUND, ClassScores, ConfigError, Mask
from wsss_sgan.grids import LINEAR, NEAREST, zoomed
from wsss_sgan.items import Squashing
from wsss_sgan.seeds import claims, settled

if TYPE_CHECKING:
    from wsss_harness import Map, Sample
    from wsss_sgan.network import SganNetwork
    from wsss_sgan.settings import SganSettings


def yielding_classes(settings: SganSettings, numbers: Mapping[str, int]) -> tuple[int, ...]:
    """The numbers of the classes named by hand; ConfigError names one that the data lack."""
    for name in settings.named_by_hand:
        if name not in numbers:
            raise ConfigError(
                f"option 'named_by_hand' of {type(settings).__name__} names the class '{name}'; "
                f"the dataset has {', '.join(numbers)}"
            )
    return tuple(numbers[name] for name in settings.named_by_hand)


def seed_mask(
    maps: NDArray[np.float32],
    saliency: Map,
    classes: tuple[int, ...],
    settings: SganSettings,
    yielding: tuple[int, ...],
) -> Mask:
    """(H, W) seeds, 255 where undefined; ``maps`` (K, h, w) raw, ``saliency`` (H, W)."""
    small = zoomed(saliency, maps.shape[1:3], LINEAR)
    claimed = claims(maps, small, settings.fraction, settings.salient)
    grid = settled(claimed, classes, settings.conflicts, yielding)
    return zoomed(grid, saliency.shape[:2], NEAREST)


def scores_of(mask: Mask, classes: tuple[int, ...]) -> ClassScores:
    """1 for the class of a pixel or the background, nothing but 0 where it is undefined.

    The background rule "explicit" with ``undefined`` 0 gives back the mask.
    """
    numbers = np.array(classes, np.uint8)[:, None, None]
    values = (mask == numbers).astype(np.float32)
    return ClassScores(classes, values, (mask == BACKGROUND).astype(np.float32))


@dataclass(frozen=True)
class SganSeeder:
    """Seeds of a sample as scores; one scale, no mirror image."""

    network: SganNetwork
    squashing: Squashing
    settings: SganSettings
    yielding: tuple[int, ...]

    def __call__(self, sample: Sample, scores: ClassScores) -> ClassScores:
        maps = self.raw_maps(sample)
        mask = seed_mask(maps, sample.saliency, sample.present, self.settings, self.yielding)
        return scores_of(mask, sample.present)

    @torch.inference_mode()
    def raw_maps(self, sample: Sample) -> NDArray[np.float32]:
        """(K, h, w) of the present classes: class maps and seed logits added up, without ReLU."""
        squashing = self.squashing
        image = squashing.colours(squashing.squashed(sample.image, LINEAR))
        parts = (torch.from_numpy(part)[None] for part in (image, squashing.salient(sample)))
        outputs = self.network(*(part.to(self.network.device) for part in parts))
        wanted = [number - 1 for number in sample.present]
        maps: NDArray[np.float32] = (outputs.maps + outputs.seeds)[0, wanted].float().cpu().numpy()
        return maps
