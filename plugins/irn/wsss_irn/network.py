"""The boundary network: probabilities of class boundaries from the taps of a backbone."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate, relu

from wsss_harness import Backbone, ConfigError, Headed, NetworkShape, taps_of

WIDTH, GROUPS = 32, 4
FINEST = 4  # the stride of the released grid


class EdgeHead(nn.Module):
    """Taps of a backbone to logits of boundaries (B, 1, h, w) on the grid of the finest.

    Each tap is compressed, normalised in groups, enlarged to the grid, and rectified; a 1x1
    convolution joins them (Ahn, Cho and Kwak, CVPR 2019, section 4.1). Names of jiwoon-ahn/irn,
    net/resnet50_irn.py.
    """

    def __init__(self, channels: Sequence[int], strides: Sequence[int]) -> None:
        super().__init__()
        self.factors = [stride // min(strides) for stride in strides]
        for number, tap in enumerate(channels, 1):
            part = nn.Sequential(nn.Conv2d(tap, WIDTH, 1, bias=False), nn.GroupNorm(GROUPS, WIDTH))
            self.add_module(f"fc_edge{number}", part)
        self.mix = f"fc_edge{len(channels) + 1}"
        self.add_module(self.mix, nn.Conv2d(WIDTH * len(channels), 1, 1))

    def forward(self, taps: Sequence[Tensor]) -> Tensor:
        logits: Tensor = self.get_submodule(self.mix)(self.joined(taps))
        return logits

    def joined(self, taps: Sequence[Tensor]) -> Tensor:
        """(B, 32 for each tap, h, w); sizes are rounded up, so enlarged taps may be cropped."""
        height, width = taps[self.factors.index(1)].shape[2:]
        parts = [
            relu(enlarged(self.get_submodule(f"fc_edge{number}")(tap), factor))
            for number, (tap, factor) in enumerate(zip(taps, self.factors, strict=True), 1)
        ]
        return torch.cat([part[..., :height, :width] for part in parts], 1)


def enlarged(maps: Tensor, factor: int) -> Tensor:
    if factor == 1:
        return maps
    return interpolate(maps, scale_factor=factor, mode="bilinear", align_corners=False)


class EdgeNetwork(Headed):
    """A backbone with an EdgeHead: images (B, 3, H, W) to logits (B, 1, h, w).

    ``frozen``: the backbone is never trained. ``stride``: of the grid; ``coarsest``: the largest
    stride of a tap.
    """

    heads: tuple[str, ...] = ("head",)

    def __init__(self, backbone: Backbone, taps: Sequence[str], frozen: bool = True) -> None:
        super().__init__()
        shapes = taps_of(backbone)
        taps = taps or [name for name, tap in shapes.items() if tap.stride >= FINEST]
        unknown = [name for name in taps if name not in shapes]
        if unknown:
            raise ConfigError(
                f"option 'taps' of Irn names '{unknown[0]}'; the backbone has {', '.join(shapes)}"
            )
        self.backbone, self.taps, self.frozen = backbone, tuple(taps), frozen
        strides = [shapes[name].stride for name in taps]
        self.head = EdgeHead([shapes[name].channels for name in taps], strides)
        self.stride, self.coarsest = min(strides), max(strides)

    def forward(self, images: Tensor) -> Tensor:
        with torch.set_grad_enabled(torch.is_grad_enabled() and not self.frozen):
            taps = self.backbone(images)
        logits: Tensor = self.head([taps[name] for name in self.taps])
        return logits

    def train(self, mode: bool = True) -> Self:
        super().train(mode)
        if self.frozen:
            self.backbone.eval().requires_grad_(False)
        return self


@dataclass(frozen=True)
class EdgeShape(NetworkShape[EdgeNetwork]):
    """What rebuilds the boundary network."""

    kind = EdgeNetwork

    taps: Sequence[str]
    frozen: bool = True
