"""How the maps of a trained MCTformer are read, and how they become scores."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from torch import Tensor

from wsss_harness import ClassMaps, ClassScores, Inference, Sample
from wsss_mctformer.attention import (
    patch_affinity,
    product,
    refined,
    root,
    stretch,
    token_attention,
)
from wsss_mctformer.left import LeftArrays
from wsss_mctformer.network import MctOutputs

Maps = Literal["fused", "tokens", "patches"]
Fusion = Literal["product", "root"]
Affinity = Literal["patches", "none"]


@dataclass(frozen=True)
class MapSettings:
    """Which maps are read: ``maps``, of the last ``layers``, with ``fusion`` and ``affinity``."""

    maps: Maps
    layers: int
    fusion: Fusion
    affinity: Affinity


def class_maps(outputs: MctOutputs, settings: MapSettings) -> Tensor:
    """(B, C, h, w), not negative; ``outputs`` with their attention."""
    maps = _unrefined(outputs, settings)
    if settings.affinity == "none":
        return maps
    return refined(maps, patch_affinity(outputs.attention, maps.shape[1]))


def _unrefined(outputs: MctOutputs, settings: MapSettings) -> Tensor:
    patches = outputs.patch_maps
    if settings.maps == "patches" and patches is not None:
        return patches.relu()
    classes = outputs.class_logits.shape[1]
    mean = settings.fusion == "root"
    attended = token_attention(outputs.attention, classes, settings.layers, mean)
    attended = attended.reshape(*attended.shape[:2], *outputs.grid)
    if settings.maps == "tokens" or patches is None:
        return attended
    fuse = root if settings.fusion == "root" else product
    return fuse(attended, patches)


@dataclass(frozen=True)
class MctInference(Inference):
    """Inference of MCTformer, which also leaves the affinity of its patches.

    ``min_max`` normalises without the released quirks of SEAM.
    """

    def scores(self, network: ClassMaps, samples: Sequence[Sample]) -> list[ClassScores]:
        return [
            replace(scores, arrays=LeftArrays(network, sample.image))
            for scores, sample in zip(super().scores(network, samples), samples, strict=True)
        ]

    def normalised(self, total: Tensor) -> Tensor:
        return stretch(total) if self.normalise == "min_max" else super().normalised(total)


@dataclass(frozen=True)
class MapReading:
    """A MapReader with settings."""

    settings: MapSettings

    def __call__(self, network: ClassMaps, images: Tensor, channels: Sequence[int]) -> Tensor:
        return class_maps(network(images, "mean"), self.settings)
