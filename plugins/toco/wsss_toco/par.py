"""PAR: maps that spread between near pixels of like colour.

Ru et al., "Learning Affinity from Attention", CVPR 2022, section 3.4, equations 7 to 9;
rulixiang/ToCo: model/PAR.py.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import interpolate, pad

AROUND = ((-1, -1), (-1, 0), (-1, 1), (0, -1), (0, 1), (1, -1), (1, 0), (1, 1))
DILATIONS = (1, 2, 4, 8, 12, 24)
WIDTH = 0.3  # of both kernels, in standard deviations among the neighbours
EPSILON = 1e-8
POSITION = 0.01  # the weight of positions beside colours


@dataclass(frozen=True)
class Par:
    """``iterations`` of a weighted mean over 8 neighbours at each of the ``dilations``.

    The released weights of a pixel add up to 1 + ``position``, so that maps grow in each iteration;
    ``normalised`` weights add up to 1.
    """

    iterations: int = 10
    dilations: tuple[int, ...] = DILATIONS
    position: float = POSITION
    normalised: bool = False

    def __call__(self, images: Tensor, maps: Tensor) -> Tensor:
        """(B, K, H, W): maps (B, K, h, w) resized to the images and spread.

        ``images`` (B, 3, H, W) are colours from 0 to 1.
        """
        weights = self.weights(images)
        maps = interpolate(maps, images.shape[2:], mode="bilinear", align_corners=True)
        for _ in range(self.iterations):
            pairs = zip(shifted(maps, self.dilations), weights.unbind(1), strict=True)
            maps = sum((near * weight[:, None] for near, weight in pairs), torch.zeros_like(maps))
        return maps

    def weights(self, images: Tensor) -> Tensor:
        """(B, neighbours, H, W): how much each neighbour counts, dilation by dilation."""
        positions = position_weights(self.dilations).to(images)[:, None, None]
        total = colour_weights(images, self.dilations) + self.position * positions
        return total / (1 + self.position) if self.normalised else total


def shifted(maps: Tensor, dilations: Sequence[int]) -> Iterator[Tensor]:
    """Maps (..., H, W) of each neighbour of a pixel; beyond the border lie copies of it."""
    (height, width), widest = maps.shape[-2:], max(dilations)
    padded = pad(maps, [widest] * 4, mode="replicate")
    for dilation in dilations:
        for down, right in AROUND:
            top, left = widest + dilation * down, widest + dilation * right
            yield padded[..., top : top + height, left : left + width]


def colour_weights(images: Tensor, dilations: Sequence[int]) -> Tensor:
    """Softmax over neighbours of -(difference / (0.3 deviation))^2, a mean over channels.

    The deviation is that of a channel among the neighbours of a pixel.
    """
    near = torch.stack(list(shifted(images, dilations)), 1)
    spread = near.std(1, keepdim=True) + EPSILON
    return kernel(near - images[:, None], spread).mean(2).softmax(1)


def position_weights(dilations: Sequence[int]) -> Tensor:
    """(neighbours,) softmax of -(distance / (0.3 deviation))^2."""
    steps = torch.tensor(AROUND, dtype=torch.float32).norm(dim=1)
    distances = torch.outer(torch.tensor(dilations, dtype=torch.float32), steps).flatten()
    return kernel(distances, distances.std() + EPSILON).softmax(0)


def kernel(differences: Tensor, spread: Tensor) -> Tensor:
    return -((differences / spread / WIDTH) ** 2)
