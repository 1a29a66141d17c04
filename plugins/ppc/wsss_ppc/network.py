"""The networks of SEAM and EPS with a projection of each pixel, in which pixels are compared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor, nn

from wsss_cam_baselines.seam_network import SeamNetwork, SeamShape, resized
from wsss_harness import Backbone, ClassMaps, ClassMapsShape


class ContrastSeamNetwork(SeamNetwork):
    """SEAM's network and a 1x1 convolution without bias (usr922/wseg: resnet38_contrast.py)."""

    heads = (*SeamNetwork.heads, "projection")

    def __init__(
        self,
        backbone: Backbone,
        channels: int,
        dropout: float,
        taps: Sequence[str],
        widths: Sequence[int],
        projection: int,
    ) -> None:
        super().__init__(backbone, channels, dropout, taps, widths)
        self.projection = projector(backbone, projection)

    def view(self, images: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """The two maps of SEAM at the size of the images, then refined maps and pixels on the grid.

        (B, C, H, W), (B, C + 1, H, W), (B, C + 1, h, w) and (B, projection, h, w).
        """
        features = self.backbone(images)
        dropped = self.dropout(features["out"])
        cam, size = self.head(dropped), images.shape[2:]
        refined = self.correlation(cam, images, [features[tap] for tap in self.taps])
        pixels = self.projection(dropped).relu()
        return resized(cam, size), resized(refined, size), refined, pixels


@dataclass(frozen=True)
class ContrastSeamShape(SeamShape):
    projection: int = 128

    def assemble(self, backbone: Backbone) -> ContrastSeamNetwork:
        return ContrastSeamNetwork(
            backbone, self.channels, self.dropout, self.taps, self.widths, self.projection
        )


class ContrastMaps(ClassMaps):
    """Class maps and a projection of the same features."""

    heads = (*ClassMaps.heads, "projection")

    def __init__(
        self, backbone: Backbone, channels: int, pooling: str, dropout: float, projection: int
    ) -> None:
        super().__init__(backbone, channels, pooling, dropout)
        self.projection = projector(backbone, projection)

    def view(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """The maps (B, channels, h, w) and the pixels (B, projection, h, w)."""
        dropped = self.dropout(self.backbone(images)["out"])
        return self.head(dropped), self.projection(dropped).relu()


@dataclass(frozen=True)
class ContrastShape(ClassMapsShape):
    projection: int = 128

    def assemble(self, backbone: Backbone) -> ContrastMaps:
        return ContrastMaps(backbone, self.channels, self.pooling, self.dropout, self.projection)


def projector(backbone: Backbone, width: int) -> nn.Conv2d:
    layer = nn.Conv2d(backbone.out_channels, width, 1, bias=False)
    nn.init.xavier_uniform_(layer.weight)
    return layer
