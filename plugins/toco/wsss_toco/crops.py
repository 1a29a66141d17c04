"""Local crops of an image, taken where its class maps are unsure.

Ru et al., CVPR 2023, section 3.3; rulixiang/ToCo: utils/camutils.py crop_from_roi_neg.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

Permute = Callable[[int], Tensor]  # a permutation of 0..n-1


@dataclass(frozen=True)
class LocalCrops:
    """``count`` crops of ``size`` x ``size`` pixels.

    A crop is positive if the mean of its pixels, of which objects count 2 and uncertain ones 1,
    exceeds ``threshold``.
    """

    count: int = 8
    size: int = 96
    threshold: float = 0.2

    def corners(self, candidates: Tensor, permute: Permute) -> Tensor:
        """(count, 2) top left corners of crops around candidates (H, W), drawn without repetition.

        Candidates nearer to the border than half a crop don't count; if fewer are left than
        ``count``, each pixel is one.
        """
        rows, columns = (slice(self.size // 2, n - self.size // 2) for n in candidates.shape)
        inner = candidates[rows, columns]
        places = inner.nonzero()
        if len(places) < self.count:
            places = torch.ones_like(inner).nonzero()
        return places[permute(len(places))[: self.count].to(places.device)]

    def cut(self, maps: Tensor, corners: Tensor) -> Tensor:
        """(count, ..., size, size) of maps (..., H, W)."""
        size = self.size
        return torch.stack([maps[..., y : y + size, x : x + size] for y, x in corners.tolist()])

    def positive(self, certain: Tensor, corners: Tensor) -> Tensor:
        """(count,) zeros and ones, from the ``labels.certainty`` (H, W) of an image."""
        return (self.cut(certain, corners).float().mean((1, 2)) > self.threshold).float()
