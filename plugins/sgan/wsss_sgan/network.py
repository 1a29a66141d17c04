"""The network of SGAN: class maps and seeds on features that attention has mixed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import relu

from wsss_harness import Headed, NetworkShape
from wsss_sgan.attention import context

if TYPE_CHECKING:
    from wsss_harness import Backbone


class SganOutputs(NamedTuple):
    """``maps``, ``seeds`` (B, C, h, w) raw logits; ``pooled`` (B, C), the means of ``maps``."""

    maps: Tensor
    seeds: Tensor
    pooled: Tensor


class SganNetwork(Headed):
    """Yao and Gong, IEEE Access 2020, figure 2; yaoqi-zd/SGAN: lib/network/sgan.py.

    ``gamma`` weighs the context that attention adds to the features; it starts at 0.
    """

    heads = ("gamma", "query", "key", "hidden", "head", "seed_head")

    def __init__(
        self, backbone: Backbone, classes: int, dropout: float, keys: int, hidden: int
    ) -> None:
        super().__init__()
        channels = backbone.out_channels
        self.backbone = backbone
        self.gamma = nn.Parameter(torch.zeros(1))
        self.query = nn.Conv2d(channels, keys, 1)
        self.key = nn.Conv2d(channels, keys, 1)
        self.hidden = nn.Conv2d(channels, hidden, 3, padding=1)
        self.dropout = nn.Dropout2d(dropout)
        self.head = nn.Conv2d(hidden, classes, 1, bias=False)
        self.seed_head = nn.Conv2d(channels, classes, 1)

    def forward(self, images: Tensor, salient: Tensor) -> SganOutputs:
        """``images`` (B, 3, H, W), ``salient`` (B, h, w) zeros and ones on the features' grid."""
        return self.outputs(self.fused(self.backbone(images)["out"], salient))

    def fused(self, features: Tensor, salient: Tensor) -> Tensor:
        """Features (B, channels, h, w) and ``gamma`` times their context."""
        queries, keys = self.query(features), self.key(features)
        fused: Tensor = self.gamma * context(features, queries, keys, salient) + features
        return fused

    def outputs(self, fused: Tensor) -> SganOutputs:
        maps = self.head(self.dropout(relu(self.hidden(fused))))
        return SganOutputs(maps, self.seed_head(fused), maps.mean((2, 3)))


@torch.no_grad()
def grid_of(backbone: Backbone, side: int) -> int:
    """The side of the features of an image of ``side`` x ``side`` pixels, measured on an empty one.

    yaoqi-zd/SGAN computes round(side / 8 + 0.5), which is the same at its 321 pixels.
    """
    was_training = backbone.training
    empty = torch.zeros(1, 3, side, side, device=next(backbone.parameters()).device)
    grid = backbone.eval()(empty)["out"].shape[-1]
    backbone.train(was_training)
    return int(grid)


@dataclass(frozen=True)
class SganShape(NetworkShape[SganNetwork]):
    """What rebuilds a SganNetwork."""

    kind = SganNetwork

    classes: int
    dropout: float
    keys: int = 256
    hidden: int = 1024
