"""AffinityNet: features that are alike for neighbours of the same class."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.functional import elu, interpolate

from wsss_harness import Backbone, ConfigError, Headed, NetworkShape, taps_of


class Head(nn.Module):
    """Three taps, each compressed by a 1x1 convolution, joined, then mixed by another; ELU.

    Names and initial weights of jiwoon-ahn/psa, network/resnet38_aff.py. Taps with another
    grid than the first are resized to it.
    """

    def __init__(self, channels: Sequence[int], widths: Sequence[int]) -> None:
        super().__init__()
        self.f8_3, self.f8_4, self.f8_5 = (
            nn.Conv2d(tap, width, 1, bias=False)
            for tap, width in zip(channels, widths, strict=True)
        )
        joined = sum(widths)
        self.f9 = nn.Conv2d(joined, joined, 1, bias=False)
        for compress in (self.f8_3, self.f8_4, self.f8_5):
            nn.init.kaiming_normal_(compress.weight)
        nn.init.xavier_uniform_(self.f9.weight, gain=4)

    def forward(self, taps: Sequence[Tensor]) -> Tensor:
        size = taps[0].shape[2:]
        compressed = [
            at_size(elu(compress(tap)), size)
            for compress, tap in zip((self.f8_3, self.f8_4, self.f8_5), taps, strict=True)
        ]
        return elu(self.f9(torch.cat(compressed, 1)))


def at_size(maps: Tensor, size: torch.Size) -> Tensor:
    if maps.shape[2:] == size:
        return maps
    return interpolate(maps, tuple(size), mode="bilinear", align_corners=False)


class AffinityFeatures(Headed):
    """A backbone with a head on three of its taps: images (B, 3, H, W) to (B, D, h, w).

    ``stride``: of the grid (h, w), that of the first tap.
    """

    heads: tuple[str, ...] = ("head",)

    def __init__(self, backbone: Backbone, taps: Sequence[str], widths: Sequence[int]) -> None:
        super().__init__()
        shapes = taps_of(backbone)
        taps = taps or tuple(shapes)[-3:]
        unknown = [tap for tap in taps if tap not in shapes]
        if unknown or len(taps) != 3:
            raise ConfigError(
                f"AffinityNet needs three taps of its backbone, but got {', '.join(taps)}; "
                f"there are {', '.join(shapes)}"
            )
        self.backbone, self.taps = backbone, tuple(taps)
        self.head = Head([shapes[tap].channels for tap in taps], widths)
        self.stride = shapes[taps[0]].stride

    def forward(self, images: Tensor) -> Tensor:
        taps = self.backbone(images)
        features: Tensor = self.head([taps[name] for name in self.taps])
        return features


@dataclass(frozen=True)
class AffinityShape(NetworkShape[AffinityFeatures]):
    """What rebuilds the network of AffinityNet."""

    kind = AffinityFeatures

    taps: Sequence[str]
    widths: Sequence[int]
