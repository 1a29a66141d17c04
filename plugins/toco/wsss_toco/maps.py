"""Class maps of images at several scales: rulixiang/ToCo: utils/camutils.py multi_scale_cam2."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn.functional import interpolate

if TYPE_CHECKING:
    from wsss_toco.network import TokenNetwork

EPSILON = 1e-5


@torch.no_grad()
def class_maps(
    network: TokenNetwork, images: Tensor, scales: Sequence[float]
) -> tuple[Tensor, Tensor]:
    """Maps (B, C, H, W) from 0 to 1 of the last and of the middle layer.

    At each scale the larger value of the image and of its mirror image counts.
    """
    raw = [network.maps(network.features(pairs_at(images, scale))) for scale in scales]
    size = (images.shape[2], images.shape[3])
    last, middle = (merged([maps[layer] for maps in raw], size) for layer in (0, 1))
    return last, middle


def pairs_at(images: Tensor, scale: float) -> Tensor:
    """Images (B, 3, H, W) at a scale, then their mirror images."""
    if scale != 1:
        size = [int(scale * side) for side in images.shape[2:]]
        images = interpolate(images, size, mode="bilinear", align_corners=False)
    return torch.cat((images, images.flip(3)))


def merged(raw: Sequence[Tensor], size: tuple[int, int]) -> Tensor:
    """Positive evidence of all scales, added at ``size`` and stretched from 0 to 1."""
    total = sum((of_pair(maps, size).relu() for maps in raw), torch.zeros(()).to(raw[0]))
    total = total - total.amin((2, 3), keepdim=True)
    return total / (total.amax((2, 3), keepdim=True) + EPSILON)


def of_pair(maps: Tensor, size: tuple[int, int]) -> Tensor:
    """(B, C, H, W) from maps (2 B, C, h, w): the larger ones of images and mirror images."""
    plain, mirrored = interpolate(maps, size, mode="bilinear", align_corners=False).chunk(2)
    return torch.maximum(plain, mirrored.flip(3))
