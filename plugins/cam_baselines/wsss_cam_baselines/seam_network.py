"""The network of SEAM: class maps, which its correlation module refines from similar pixels.

Wang, Zhang, Kan, Shan, Chen: "Self-supervised Equivariant Attention Mechanism for Weakly Supervised
Semantic Segmentation", CVPR 2020, section 3.3; details of YudeWang/SEAM, network/resnet38_SEAM.py.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate

from wsss_harness import Backbone, ClassMaps, ClassMapsShape, ConfigError, MapReader, taps_of
from wsss_harness.networks.classmaps.inference import logits
from wsss_harness.networks.classmaps.network import HEAD_THEN_POOL

EPSILON = 1e-5
PIXELS_AT_ONCE = 4096  # all of a training crop; more would take gigabytes at large scales


def resized(maps: Tensor, size: Sequence[int]) -> Tensor:
    """Resize maps bilinearly with aligned corners, as the released network does throughout."""
    return interpolate(maps, tuple(size), mode="bilinear", align_corners=True)


def with_background(maps: Tensor) -> Tensor:
    """(B, C, h, w) in [0, 1] to (B, C + 1, h, w): channel 0 is 1 - the largest class."""
    return torch.cat((1 - maps.amax(1, keepdim=True), maps), 1)


def exclusive(maps: Tensor) -> Tensor:
    """Keep channel 0 and, at each pixel, the largest of the others; the rest become 0."""
    classes = maps[:, 1:]
    return torch.cat((maps[:, :1], classes.where(classes >= classes.amax(1, keepdim=True), 0)), 1)


def seed(cam: Tensor) -> Tensor:
    """The input of the module: logits (B, C, h, w) to (B, C + 1, h, w) in [0, 1].

    Divides each class by its maximum, adds the background, and keeps one class for each pixel.
    """
    highest = cam.relu().amax((2, 3), keepdim=True)
    return exclusive(with_background((cam - EPSILON).relu() / (highest + EPSILON)))


def correlate(maps: Tensor, features: Tensor) -> Tensor:
    """y_j = sum_i a_ij maps_i / sum_i a_ij, where a_ij = max(0, cos(features_i, features_j)).

    ``maps`` (B, K, any size) are resized to the grid of ``features`` (B, D, h, w); the result is
    (B, K, h, w). Pixels j are processed in parts, so that memory does not grow with the square of
    their number.
    """
    size = (features.shape[2], features.shape[3])
    pixels = features.flatten(2)
    pixels = pixels / (pixels.norm(dim=1, keepdim=True) + EPSILON)
    values = resized(maps, size).flatten(2)
    parts = [_weighted_mean(values, pixels, part) for part in pixels.split(PIXELS_AT_ONCE, 2)]
    return torch.cat(parts, 2).view(*maps.shape[:2], *size)


def _weighted_mean(values: Tensor, pixels: Tensor, targets: Tensor) -> Tensor:
    similarity = (pixels.transpose(1, 2) @ targets).relu()
    return values @ (similarity / (similarity.sum(1, keepdim=True) + EPSILON))


class Correlation(nn.Module):
    """The features of the module: the image and two taps, compressed, joined and embedded.

    Names and initial weights of the released network, whose widths are 64 and 128 for taps of 512
    and 1024 channels. No gradient goes back into the taps.
    """

    def __init__(self, channels: Sequence[int], widths: Sequence[int]) -> None:
        super().__init__()
        self.f8_3, self.f8_4 = (
            nn.Conv2d(tap, width, 1, bias=False)
            for tap, width in zip(channels, widths, strict=True)
        )
        joined = sum(widths)
        self.f9 = nn.Conv2d(3 + joined, joined, 1, bias=False)
        nn.init.kaiming_normal_(self.f8_3.weight)
        nn.init.kaiming_normal_(self.f8_4.weight)
        nn.init.xavier_uniform_(self.f9.weight, gain=4)

    def joined(self, images: Tensor, taps: Sequence[Tensor], size: Sequence[int]) -> Tensor:
        """(B, 3 + widths, h, w) on the grid ``size``; taps of another grid are resized."""
        compressed = [
            resized(compress(tap.detach()).relu(), size)
            for compress, tap in zip((self.f8_3, self.f8_4), taps, strict=True)
        ]
        return torch.cat((resized(images, size), *compressed), 1)

    def forward(self, cam: Tensor, images: Tensor, taps: Sequence[Tensor]) -> Tensor:
        """(B, C, h, w) logits to (B, C + 1, h, w), the background first."""
        features = self.f9(self.joined(images, taps, cam.shape[2:]))
        return correlate(seed(cam.detach()), features)


class SeamNetwork(ClassMaps):
    """Images to ``cam`` (B, C, H, W), logits, and ``refined`` (B, C + 1, H, W), background first.

    Both at the size of the images. The released head also has a channel for the background, which
    no loss and no output uses; here it has none. ``taps`` defaults to the two before the last.
    """

    heads: tuple[str, ...] = ("head", "correlation")

    def __init__(
        self,
        backbone: Backbone,
        channels: int,
        dropout: float,
        taps: Sequence[str],
        widths: Sequence[int],
    ) -> None:
        super().__init__(backbone, channels, HEAD_THEN_POOL, dropout)
        shapes = taps_of(backbone)
        self.taps = tuple(taps or tuple(shapes)[-3:-1])
        unknown = [tap for tap in self.taps if tap not in shapes]
        if unknown or len(self.taps) != 2:
            raise ConfigError(
                f"SEAM needs two taps of its backbone, but got {', '.join(self.taps) or 'none'}; "
                f"there are {', '.join(shapes)}"
            )
        self.correlation = Correlation([shapes[tap].channels for tap in self.taps], widths)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        features = self.backbone(images)
        cam = self.head(self.dropout(features["out"]))
        refined = self.correlation(cam, images, [features[tap] for tap in self.taps])
        size = images.shape[2:]
        return resized(cam, size), resized(refined, size)


def refined_maps(network: ClassMaps, images: Tensor, channels: Sequence[int]) -> Tensor:
    """The maps of the classes after the correlation module: (B, C, H, W) in [0, 1]."""
    refined: Tensor = network(images)[1]
    return refined[:, 1:]


READERS: Mapping[str, MapReader] = {"refined": refined_maps, "cam": logits}


@dataclass(frozen=True)
class SeamShape(ClassMapsShape):
    taps: Sequence[str] = ()
    widths: Sequence[int] = (64, 128)

    def assemble(self, backbone: Backbone) -> SeamNetwork:
        return SeamNetwork(backbone, self.channels, self.dropout, self.taps, self.widths)
