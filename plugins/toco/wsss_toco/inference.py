"""Class maps of labelled images, and masks of images without labels.

rulixiang/ToCo: utils/camutils.py; tools/infer_seg_voc.py, without its CRF.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import interpolate

from wsss_harness import ClassScores
from wsss_harness.networks.classmaps.augment import normalise
from wsss_toco.maps import class_maps, pairs_at

if TYPE_CHECKING:
    from wsss_harness import Image, Mask, Sample
    from wsss_toco.network import TokenNetwork


def on_device(image: Image, network: TokenNetwork) -> Tensor:
    """(1, 3, H, W)"""
    values = normalise(image, network.backbone.mean, network.backbone.std)
    return torch.from_numpy(values).to(network.device)[None]


@dataclass(frozen=True)
class MapScorer:
    """Scores of a sample: the maps of one layer for its classes."""

    network: TokenNetwork
    scales: Sequence[float]
    middle: bool

    def __call__(self, sample: Sample) -> ClassScores:
        maps = class_maps(self.network, on_device(sample.image, self.network), self.scales)
        wanted = [number - 1 for number in sample.present]
        values = maps[int(self.middle)][0, wanted].clamp(0, 1)
        return ClassScores(sample.present, values.cpu().numpy())


@dataclass(frozen=True)
class Segmenter:
    """The class with the largest logit: a maximum over scales, a sum over both orientations."""

    network: TokenNetwork
    scales: Sequence[float]

    @torch.inference_mode()
    def __call__(self, sample: Sample) -> Mask:
        image = on_device(sample.image, self.network)
        best = torch.stack([self.logits(image, scale) for scale in self.scales]).amax(0)
        labels: Mask = best.argmax(0).cpu().numpy().astype(np.uint8)
        return labels

    def logits(self, image: Tensor, scale: float) -> Tensor:
        """(C + 1, H, W)"""
        logits = self.network(pairs_at(image, scale))
        plain, mirrored = interpolate(logits, image.shape[2:], mode="bilinear", align_corners=False)
        both: Tensor = plain + mirrored.flip(2)
        return both
