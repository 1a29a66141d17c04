"""What the branches of ICD learn from: the losses whose gradients js-fan/ICD defines.

core/model/layers_custom/icd.py, segmentation.py. Each is a sum over classes and a mean over images.
"""

import math

import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits

EPSILON = 1e-5
CERTAIN = 0.2  # scores closer to 0 teach nothing


def label_loss(logits: Tensor, present: Tensor) -> Tensor:
    """Binary cross-entropy of pooled logits (B, C)."""
    return binary_cross_entropy_with_logits(logits, present, reduction="none").sum(1).mean()


def scaled_by_ends(scores: Tensor) -> Tensor:
    """Positive scores (B, C, h, w) divided by the largest of their map, negative by the lowest."""
    high = scores.amax((2, 3), keepdim=True).clamp(min=EPSILON)
    low = scores.amin((2, 3), keepdim=True).clamp(max=-EPSILON)
    return torch.where(scores > 0, scores / high, scores / -low)


def top_down_loss(logits: Tensor, scores: Tensor, present: Tensor, factor: float = 1.0) -> Tensor:
    """Binary cross-entropy of logits (B, C, h, w) with the sign of ``scores``, where certain.

    A mean over all nodes; absent classes count nothing. ``factor``: see ``warmth``.
    """
    ends = scaled_by_ends(scores)
    counted = present[:, :, None, None] * (ends.abs() > CERTAIN)
    losses = binary_cross_entropy_with_logits(logits, (ends > 0).to(logits), reduction="none")
    return factor * (losses * counted).mean((2, 3)).sum(1).mean()


def warmth(iteration: int, warmup: int) -> float:
    """exp(-10 (W - i) / W) in the first W = ``warmup`` iterations i = 0, 1, ..., then 1."""
    if iteration >= warmup:
        return 1.0
    return math.exp(-10 * (warmup - iteration) / warmup)
