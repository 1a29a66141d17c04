"""A network of class maps that are refined by the correlation of its features."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from torch import Tensor

from wsss_cam_baselines.correlation import Correlation, resized
from wsss_harness import ClassMaps, ClassMapsShape, ConfigError, MapReader
from wsss_harness.networks.backbones.base import Backbone, taps_of
from wsss_harness.networks.classmaps.inference import logits
from wsss_harness.networks.classmaps.network import HEAD_THEN_POOL


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
