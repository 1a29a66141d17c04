"""Maps of classes from the attention of a transformer with a token for each class.

Xu et al., "Multi-class Token Transformer for Weakly Supervised Semantic Segmentation", CVPR 2022,
sections 3.2 to 3.4; xulianuwa/MCTformer: models.py, engine.py. For L layers, B images, C classes
and P = h * w patches, and attention that is already a mean over heads:

    attention    (L, B, C + P, C + P): queries in rows, class tokens first
    A            (B, C, h, w): what the token of a class attends to
    M            (B, C, h, w): the patch head's logits
"""

from collections.abc import Sequence

import torch
from torch import Tensor

EPSILON = 1e-8


def token_attention(attention: Sequence[Tensor], classes: int, layers: int, mean: bool) -> Tensor:
    """(B, C, P): A of the last ``layers``, their ``mean`` (MCTformer+) or else their sum (V1, V2).

    All layers if there are fewer.
    """
    rows = torch.stack([weights[:, :classes, classes:] for weights in attention[-layers:]])
    return rows.mean(0) if mean else rows.sum(0)


def product(attended: Tensor, patches: Tensor) -> Tensor:
    """A * relu(M), the fusion of V2."""
    return attended * patches.relu()


def root(attended: Tensor, patches: Tensor) -> Tensor:
    """sqrt(A * relu(M)), the fusion of MCTformer+ (TPAMI 2024)."""
    return product(attended, patches).sqrt()


def patch_affinity(attention: Sequence[Tensor], classes: int) -> Tensor:
    """(B, P, P): attention of patches to patches, summed over all layers.

    Rows do not sum to the number of layers, because part of the attention goes to class tokens.
    """
    return torch.stack([weights[:, classes:, classes:] for weights in attention]).sum(0)


def refined(maps: Tensor, affinity: Tensor) -> Tensor:
    """(B, C, h, w): at each patch, the maps of all patches weighted by its attention to them."""
    spread = affinity @ maps.flatten(2).transpose(1, 2)
    return spread.transpose(1, 2).reshape(maps.shape)


def stretch(total: Tensor) -> Tensor:
    """(K, H, W) from each map's minimum to its maximum, in [0, 1]."""
    low, high = total.amin((1, 2), keepdim=True), total.amax((1, 2), keepdim=True)
    return (total - low) / (high - low + EPSILON)
