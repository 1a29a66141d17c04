"""The network of MCIS: a classifier, and co-attention between the features of two images."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor, nn

from wsss_harness import Headed, NetworkShape
from wsss_mcis.coattention import coattended
from wsss_mcis.loss import PairLogits

if TYPE_CHECKING:
    from wsss_harness import Backbone

EXTRA = 3  # convolutions after the backbone


class PairMaps(NamedTuple):
    """Maps (B, C, h, w) of the first and of the second image of a pair, before activation."""

    first: Tensor
    second: Tensor

    def pooled(self) -> Tensor:
        """(2B, C) spatial means."""
        return torch.cat([maps.mean((2, 3)) for maps in self])


class McisNetwork(Headed):
    """Sun et al., ECCV 2020, figure 2; GuoleiSun/MCIS_wsss: Classifier/models/vgg.py.

    ``head`` classifies features, ``common_head`` those that co-attention brought from the other
    image, and ``gate`` says where these are. ``iterations`` counts those of training.
    """

    heads = ("extra", "head", "affinity", "common_head", "gate")
    iterations: Tensor

    def __init__(self, backbone: Backbone, classes: int, width: int | None = None) -> None:
        super().__init__()
        channels = backbone.out_channels
        width = width or channels
        inputs = (channels, *[width] * (EXTRA - 1))
        self.backbone = backbone
        self.extra = nn.Sequential(
            *(layer for count in inputs for layer in convolution(count, width))
        )
        self.head = nn.Conv2d(width, classes, 1)
        self.affinity = nn.Linear(width, width, bias=False)
        self.common_head = nn.Conv2d(width, classes, 1, bias=False)
        self.gate = nn.Conv2d(width, 1, 1, bias=False)
        self.register_buffer("iterations", torch.zeros((), dtype=torch.long))
        for layer in (*self.extra, self.head):
            if isinstance(layer, nn.Conv2d):
                nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")
                nn.init.zeros_(layer.bias)  # type: ignore[arg-type]

    def forward(self, images: Tensor) -> Tensor:
        """Features (B, D, h, w), not negative."""
        features: Tensor = self.extra(self.backbone(images)["out"])
        return features

    def common(self, first: Tensor, second: Tensor) -> PairMaps:
        """Maps of the classes that two images share, from their features."""
        seen = coattended(first, second, self.affinity.weight)
        return PairMaps(*map(self.common_head, seen))

    def common_and_rest(self, first: Tensor, second: Tensor) -> tuple[PairMaps, PairMaps]:
        """Maps of shared classes, and of those of each image that the other lacks."""
        seen = coattended(first, second, self.affinity.weight)
        pairs = zip((first, second), seen, strict=True)
        own = [features * (1 - self.gate(other).sigmoid()) for features, other in pairs]
        return PairMaps(*map(self.common_head, seen)), PairMaps(*map(self.common_head, own))

    def logits(self, first: Tensor, second: Tensor, rest: bool = False) -> PairLogits:
        """Pooled logits of a pair, from its features; ``rest``: also of what is not shared."""
        own = PairMaps(self.head(first), self.head(second)).pooled()
        if not rest:
            return PairLogits(own, self.common(first, second).pooled())
        common, others = self.common_and_rest(first, second)
        return PairLogits(own, common.pooled(), others.pooled())


def convolution(channels: int, width: int) -> tuple[nn.Module, nn.Module]:
    return nn.Conv2d(channels, width, 3, padding=1), nn.ReLU(inplace=True)


@dataclass(frozen=True)
class McisShape(NetworkShape[McisNetwork]):
    """What rebuilds an McisNetwork."""

    kind = McisNetwork

    classes: int
    width: int | None = None
