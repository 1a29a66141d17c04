"""The direction of each class in feature space, found bottom-up, and which of its ends is object.

Fan et al., "Learning Integral Objects with Intra-Class Discriminator for Weakly-Supervised Semantic
Segmentation", CVPR 2020, section 3.3; js-fan/ICD: core/model/layers_custom/icd.py.
"""

from typing import Any

import torch
from torch import Tensor

EPSILON = 1e-5
STRENGTH = 10.0  # of the gradient (grad_scale)
MOMENTUM = 0.9  # of the evidence


class UnitRows(torch.autograd.Function):
    """w / |w| of each row w, with the released gradient g / (|w| + e) - w (w . g) / (|w|^3 + e)."""

    @staticmethod
    def forward(ctx: Any, weight: Tensor) -> Tensor:
        ctx.save_for_backward(weight)
        unit: Tensor = weight / weight.norm(dim=1, keepdim=True)
        return unit

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        (weight,), (gradient,) = ctx.saved_tensors, gradients
        norm = weight.norm(dim=1, keepdim=True)
        along = (weight * gradient).sum(1, keepdim=True)
        total: Tensor = gradient / (norm + EPSILON) - weight * along / (norm**3 + EPSILON)
        return total


def projections(features: Tensor, weight: Tensor) -> Tensor:
    """(B, C, h, w): features (B, d, h, w), without their gradient, along the rows of (C, d)."""
    unit: Tensor = UnitRows.apply(weight)
    return torch.einsum("bdhw,cd->bchw", features.detach(), unit)


def direction_loss(scores: Tensor, present: Tensor, strength: float = STRENGTH) -> Tensor:
    """-strength / 2 * the mean squared projection, of images with exactly one class.

    A sum over classes and a mean over all images; ``scores`` (B, C, h, w), ``present`` (B, C). Its
    gradient is the one that the released operator defines without a loss: the first principal
    direction of the features of a class, through the origin.
    """
    single = present * (present.sum(1, keepdim=True) == 1)
    squares = (scores**2).mean((2, 3))
    return -strength / 2 * (squares * single).sum(1).mean()


def evidence(
    scores: Tensor, cam: Tensor, present: Tensor, before: Tensor, momentum: float = MOMENTUM
) -> Tensor:
    """(C, 2): the running means of class maps where a score is positive, and where negative.

    ``scores`` and ``cam`` are (B, C, h, w). Means over an image are averaged over all images of the
    batch that have the class; an absent class keeps its state ``before``.
    """
    maps = cam.relu()
    signs = torch.stack([scores > 0, scores < 0], 2)  # (B, C, 2, h, w)
    totals = (maps[:, :, None] * signs).sum((3, 4))
    means = totals / signs.sum((3, 4)).clamp(min=EPSILON)
    images = present.sum(0)[:, None]
    batch = (means * present[..., None]).sum(0) / images.clamp(min=1)
    return torch.where(images > 0, momentum * before + (1 - momentum) * batch, before)


def signed(scores: Tensor, state: Tensor) -> Tensor:
    """Scores turned around where the class map is larger at the negative end."""
    turned = (state[:, 0] < state[:, 1])[:, None, None]
    return torch.where(turned, -scores, scores)
