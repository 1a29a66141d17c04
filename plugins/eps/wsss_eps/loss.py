"""The losses of EPS as pure functions.

Lee, Lee, Lee, Shim: "Railroad is not a Train: Saliency as Pseudo-pixel Supervision for Weakly
Supervised Semantic Segmentation", CVPR 2021, sections 3.2 and 3.3; details that the paper leaves
open are those of the released code (halbielee/EPS: eps.py, module/train.py).

Symbols of the paper and names here, for B images, C classes and maps of h x w:

    M_1..M_C, M_{C+1}   maps (B, C + 1, h, w): softmax over the channels, the LAST is background
    M_s                 saliency (B, 1, h, w) in [0, 1], real-valued
    y                   present (B, C), 1 for the classes in the image
    O(M_i, M_s), tau    overlap (B, C) and its threshold
    M_fg, M_bg          foreground_map, background_map (B, 1, h, w)
    M^_s, lambda        estimated_saliency (B, 1, h, w) and lam
"""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

# The released code adds this to the denominator once for every pixel, not once for every map.
OVERLAP_EPSILON = 1e-4

Selection = Callable[[Tensor, Tensor], Tensor]
"""(maps of the C classes, saliency) -> (B, C) bool: which classes may be foreground."""


def overlap(class_maps: Tensor, saliency: Tensor) -> Tensor:
    """O = |B_i and B_s| / |B_i| of the maps above one half, (B, C); 0 for an empty map.

    A precision, although the released code calls it IoU. torch.round takes one half to zero,
    hence the strict comparison.
    """
    hard = (class_maps > 0.5).to(class_maps.dtype)
    salient = (saliency > 0.5).to(class_maps.dtype)
    return (hard * salient).sum((2, 3)) / (hard + OVERLAP_EPSILON).sum((2, 3))


def adaptive(tau: float) -> Selection:
    """Equation 2: a class is foreground where its map overlaps with the saliency by over tau."""

    def select(class_maps: Tensor, saliency: Tensor) -> Tensor:
        return overlap(class_maps.detach(), saliency) > tau

    return select


def naive(class_maps: Tensor, saliency: Tensor) -> Tensor:
    """Every class is foreground; the first strategy that the paper compares with."""
    return torch.ones(class_maps.shape[:2], dtype=torch.bool, device=class_maps.device)


def class_list(background_classes: tuple[int, ...]) -> Selection:
    """The classes (1..C) of a fixed list are background; the paper's second strategy."""

    def select(class_maps: Tensor, saliency: Tensor) -> Tensor:
        foreground = naive(class_maps, saliency)
        foreground[:, [index - 1 for index in background_classes]] = False
        return foreground

    return select


def foreground_map(maps: Tensor, present: Tensor, foreground: Tensor) -> Tensor:
    """M_fg of equation 2: the sum of the present classes that are ``foreground`` (B, C)."""
    weight = (foreground * present).to(maps.dtype)[:, :, None, None]
    return (weight * maps[:, :-1]).sum(1, keepdim=True)


def background_map(maps: Tensor, present: Tensor, foreground: Tensor) -> Tensor:
    """M_bg of equation 2: the background channel and the present classes that are not foreground.

    Absent classes are in neither map.
    """
    return maps[:, -1:] + foreground_map(maps, present, ~foreground)


def estimated_saliency(
    maps: Tensor, present: Tensor, foreground: Tensor, lam: float | Tensor
) -> Tensor:
    """M^_s of equation 1: lam M_fg + (1 - lam) (1 - M_bg), in [0, 1]."""
    absence = 1 - background_map(maps, present, foreground)
    return lam * foreground_map(maps, present, foreground) + (1 - lam) * absence


def resize_saliency(saliency: Tensor, size: tuple[int, int]) -> Tensor:
    """Resize the saliency (B, 1, H, W) to the maps; the released code takes the nearest pixel."""
    return F.interpolate(saliency, size, mode="nearest")


def saliency_loss(
    logits: Tensor, saliency: Tensor, present: Tensor, select: Selection, lam: float | Tensor
) -> Tensor:
    """L_sal of equation 3: the mean squared difference of M_s and M^_s.

    ``logits`` (B, C + 1, h, w); ``saliency`` (B, 1, H, W) of any size. No gradient flows through
    the selection, which is computed for each image of each batch. Without an image it is 0.
    """
    if not len(logits):
        return logits.sum()
    maps = logits.softmax(1)
    small = resize_saliency(saliency, (logits.shape[2], logits.shape[3]))
    foreground = select(maps[:, :-1].detach(), small)
    return F.mse_loss(estimated_saliency(maps, present, foreground, lam), small)


def classification_loss(pooled: Tensor, present: Tensor) -> Tensor:
    """L_cls of equation 4 on pooled logits (B, C + 1), without the background channel."""
    return F.multilabel_soft_margin_loss(pooled[:, :-1], present)
