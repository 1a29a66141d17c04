"""The losses of SEAM: the maps of a smaller image must be the smaller maps of the image.

Wang et al., CVPR 2020, sections 3.2 and 3.4; details of YudeWang/SEAM, train_SEAM.py and
tool/visualization.py. Symbols of the paper and names here, for B images and C classes:

    A(.)       the transformation of the second view, here a bilinear change of size
    y          cam (B, C, h, w): logits of the classes
    y^         refined (B, C + 1, h, w): output of the correlation module, channel 0 is background
    o, v       first view, second view
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from wsss_cam_baselines.seam_network import EPSILON, exclusive, resized, with_background

SHARE = 0.2
LOWEST = 4  # one pixel in four


def max_norm(maps: Tensor) -> Tensor:
    """(B, K, h, w) to [0, 1]: each map from its lowest to its highest value above zero."""
    maps = maps.relu()
    low, high = maps.amin((2, 3), keepdim=True), maps.amax((2, 3), keepdim=True)
    return (maps - low - EPSILON).relu() / (high - low + EPSILON)


def classification(cam: Tensor, present: Tensor) -> Tensor:
    """The mean over images and classes of the binary cross-entropy of the maps' spatial means."""
    return F.multilabel_soft_margin_loss(cam.mean((2, 3)), present)


def equivariance(first: Tensor, second: Tensor) -> Tensor:
    """L_ER: the mean difference of two views' normalised maps (B, C, h, w).

    Absent classes are zero in both and count in the mean, as released.
    """
    return (first - second).abs().mean()


def cross_equivariance(target: Tensor, refined: Tensor, share: float = SHARE) -> Tensor:
    """One half of L_ECR: how far one view's ``refined`` maps are from the other's ``target`` maps.

    Both (B, C + 1, h, w) in [0, 1]. The largest ``share`` of the differences of each image counts,
    the paper's mining of hard pixels. No gradient goes into the target.
    """
    difference = (exclusive(target.detach()) - refined).abs().flatten(1)
    return difference.topk(int(difference.shape[1] * share), 1).values.mean()


def min_pooling(refined: Tensor) -> Tensor:
    """The mean of the lowest quarter of the pixels of the largest map of (B, C, h, w).

    In the released code (adaptive_min_pooling_loss), not in the paper: there must be background.
    """
    largest = refined.amax(1).flatten(1)
    count = max(largest.shape[1] // LOWEST, 1)
    return largest.topk(count, 1, largest=False).values.relu().mean()


def losses(
    first: tuple[Tensor, Tensor], second: tuple[Tensor, Tensor], present: Tensor
) -> dict[str, Tensor]:
    """All losses for two views, each (cam, refined) at its own size; ``present`` is (B, C).

    The first view's maps are resized to those of the second. All weights are one.
    """
    (cam_o, refined_o), (cam_v, refined_v) = first, second
    size = cam_v.shape[2:]
    mask = present[:, :, None, None]
    maps_o, maps_v = resized(max_norm(cam_o), size) * mask, max_norm(cam_v) * mask
    mask = torch.cat((torch.ones_like(mask[:, :1]), mask), 1)
    sharp_o, sharp_v = resized(max_norm(refined_o), size) * mask, max_norm(refined_v) * mask
    return {
        "loss_cls": (classification(cam_o, present) + classification(cam_v, present)) / 2,
        "loss_er": equivariance(maps_o, maps_v),
        "loss_ecr": cross_equivariance(with_background(maps_v), sharp_o)
        + cross_equivariance(with_background(maps_o), sharp_v),
        "loss_min": (
            min_pooling((refined_o * mask)[:, 1:]) + min_pooling((refined_v * mask)[:, 1:])
        )
        / 2,
    }


def losses_with_negatives(
    first: tuple[Tensor, Tensor], second: tuple[Tensor, Tensor], present: Tensor
) -> dict[str, Tensor]:
    """The same losses; images without a class have the classification alone.

    They have no map that two views could agree on, and a background that is even everywhere has no
    highest value to be normalised by.
    """
    labelled = present.any(1)
    none = first[0].sum() * 0
    terms = dict.fromkeys(("loss_er", "loss_ecr", "loss_min"), none)
    if labelled.any():
        views = [(cam[labelled], refined[labelled]) for cam, refined in (first, second)]
        terms = losses(views[0], views[1], present[labelled])
    both = classification(first[0], present) + classification(second[0], present)
    return {**terms, "loss_cls": both / 2}
