"""Scores spread by an affinity of patches, on the grid of the patches.

Xu et al., CVPR 2022, section 3.4, which spreads the maps of each scale before they are merged. For
scores s of an image, affinity a (h w, h w) and ``rounds`` r:

    m_0     = s resized to (h, w), the mean of the pixels of each cell
    m_r + 1 = T m_r,   T_ij = a_ij / sum_j a_ij
    score   = m resized to the image, from its minimum to its maximum
"""

from typing import Any

import torch
from numpy.typing import NDArray
from torch.nn.functional import adaptive_avg_pool2d, interpolate

from wsss_mctformer.attention import refined, stretch


def spread(values: NDArray[Any], affinity: NDArray[Any], rounds: int) -> NDArray[Any]:
    """(K, H, W) scores in [0, 1] after ``rounds`` with ``affinity`` (h, w, h, w)."""
    grid, patches = affinity.shape[:2], affinity.shape[0] * affinity.shape[1]
    weights = torch.from_numpy(affinity.astype(values.dtype)).reshape(1, patches, patches)
    weights = weights / weights.sum(2, keepdim=True).clamp_min(torch.finfo(weights.dtype).tiny)
    maps = adaptive_avg_pool2d(torch.from_numpy(values)[None], grid)
    for _ in range(rounds):
        maps = refined(maps, weights)
    size = values.shape[1:]
    large = interpolate(maps, size, mode="bilinear", align_corners=False)[0]
    scores: NDArray[Any] = stretch(large).clamp(0, 1).numpy()
    return scores
