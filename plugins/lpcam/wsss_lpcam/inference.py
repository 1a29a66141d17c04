"""Maps of the centres: what is like the class, less what is like its context.

Chen and Sun, CVPR 2023, section 3.3; zhaozhengChen/LPCAM: step/make_lpcam.py, make_lpcam.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn.functional import interpolate, normalize

from wsss_harness import ClassMaps, ClassMapsShape, Image, Inference
from wsss_harness.networks.classmaps.inference import Scorer
from wsss_lpcam.centres import Centres
from wsss_lpcam.fitting import path_of, read

if TYPE_CHECKING:
    from wsss_lpcam.settings import LpcamSettings

STRIDE = 4  # of the grid of IRN
MULTIPLE = 16  # of the size that maps are resized to before they are cropped

Size = tuple[int, int]


def attribution(features: Tensor, centres: Centres) -> Tensor:
    """The mean cosine to the centres of the object, less that to those of the context: (B, h, w).

    ``features`` (B, d, h, w); 0 where the context is nearer. Without a context nothing is cut off.
    """
    direction = mean_direction(centres.objects)
    if len(centres.contexts):
        direction = direction - mean_direction(centres.contexts)
    along = torch.einsum("bdhw,d->bhw", normalize(features, dim=1), direction)
    return along.relu() if len(centres.contexts) else along


def mean_direction(centres: Tensor) -> Tensor:
    return normalize(centres, dim=1).mean(0)


def full_size(maps: Sequence[Tensor], size: Size) -> Tensor:
    """The mean (K, H, W) of maps (K, h, w), resized to the next multiples of 16 and cropped."""
    height, width = size
    enlarged = mean_at(maps, (height + -height % MULTIPLE, width + -width % MULTIPLE))
    return enlarged[:, :height, :width]


def strided(maps: Sequence[Tensor], size: Size) -> Tensor:
    """The mean of maps (K, h, w), resized to the grid: (K, (H - 1) // 4 + 1, (W - 1) // 4 + 1)."""
    return mean_at(maps, ((size[0] - 1) // STRIDE + 1, (size[1] - 1) // STRIDE + 1))


def mean_at(maps: Sequence[Tensor], size: Size) -> Tensor:
    if not len(maps[0]):
        return maps[0].new_zeros((0, *size))
    return torch.stack(
        [interpolate(m[None], size, mode="bilinear", align_corners=False)[0] for m in maps]
    ).mean(0)


def as_squares(nodes: Tensor, size: Size) -> Tensor:
    """(K, h, w) to (K, H, W): the value of each node on its square of 4 x 4 pixels."""
    large = nodes.repeat_interleave(STRIDE, 1).repeat_interleave(STRIDE, 2)
    return large[:, : size[0], : size[1]]


def divided(total: Tensor) -> Tensor:
    """Maps (K, H, W) divided by their maximum; a map of 0, which the released code makes NaN."""
    highest = total.amax((1, 2), keepdim=True)
    return total / torch.where(highest > 0, highest, 1)


def features(network: ClassMaps, images: Tensor, channels: Sequence[int]) -> Tensor:
    """What the classifier sees, (B, d, h, w)."""
    maps: Tensor = network.backbone(images)["out"]
    return maps


@dataclass(frozen=True)
class CentreMaps(Inference):
    """Scores from the ``centres`` of each class, by its number."""

    centres: Mapping[int, Centres] = field(default_factory=dict)
    sums: str = "full"

    def maps(
        self, network: ClassMaps, images: Sequence[Image], scale: float, channels: Sequence[int]
    ) -> Tensor:
        """Of B images at one scale, (B, channels, h, w); only ``channels`` are filled."""
        plain, mirrored = super().maps(network, images, scale, channels).chunk(2)
        both = plain + mirrored.flip(-1)
        maps = both.new_zeros((len(images), network.channels, *both.shape[2:]))
        for channel in channels:
            maps[:, channel] = attribution(both, self.centres[channel + 1])
        return maps

    def total(self, maps: Sequence[Tensor], channels: Sequence[int], size: Size) -> Tensor:
        of_present = [pairs[0, list(channels)] for pairs in maps]
        if self.sums == "full":
            return full_size(of_present, size)
        return as_squares(strided(of_present, size), size)

    def normalised(self, total: Tensor) -> Tensor:
        return divided(total)


def scorer(settings: LpcamSettings, folder: Path, device: str) -> Scorer:
    """What scores images with the network and the centres in ``folder``."""
    network = ClassMapsShape.load(folder, device)
    centres = {n: moved(read(path_of(folder, n)), device) for n in range(1, network.channels + 1)}
    return Scorer(
        network,
        CentreMaps(
            tuple(settings.scales), "relu", read=features, centres=centres, sums=settings.sums
        ),
    )


def moved(centres: Centres, device: str) -> Centres:
    return Centres(centres.objects.to(device), centres.contexts.to(device))
