"""Sums of class maps over scales, at the size of the image or on its grid of stride 4."""

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

from wsss_harness import Inference
from wsss_harness.networks.classmaps.inference import merge

STRIDE = 4  # of the grid on which scores walk
MULTIPLE = 16  # of the size that maps are resized to before they are cropped

Size = tuple[int, int]


def full_size(pairs: Sequence[Tensor], channels: Sequence[int], size: Size) -> Tensor:
    """(K, H, W): maps resized to the next multiples of 16, summed, cropped to ``size``.

    ``pairs``: of each scale the maps of the image and of its mirror image, (2, channels, h, w).
    jiwoon-ahn/irn, step/make_cam.py: highres_cam.
    """
    height, width = size
    total = merge(pairs, channels, (height + -height % MULTIPLE, width + -width % MULTIPLE))
    return total[:, :height, :width]


def strided(pairs: Sequence[Tensor], channels: Sequence[int], size: Size) -> Tensor:
    """(K, (H - 1) // 4 + 1, (W - 1) // 4 + 1): the same maps resized to the grid, summed.

    jiwoon-ahn/irn, step/make_cam.py: strided_cam.
    """
    return merge(pairs, channels, ((size[0] - 1) // STRIDE + 1, (size[1] - 1) // STRIDE + 1))


def as_squares(nodes: Tensor, size: Size) -> Tensor:
    """(K, h, w) to (K, H, W): the value of each node on its square of 4 x 4 pixels."""
    large = nodes.repeat_interleave(STRIDE, 1).repeat_interleave(STRIDE, 2)
    return large[:, : size[0], : size[1]]


@dataclass(frozen=True)
class SummedMaps(Inference):
    """Inference whose total is one of the two ``sums``."""

    sums: str = "full"

    def total(self, maps: Sequence[Tensor], channels: Sequence[int], size: Size) -> Tensor:
        if self.sums == "full":
            return full_size(maps, channels, size)
        return as_squares(strided(maps, channels, size), size)
