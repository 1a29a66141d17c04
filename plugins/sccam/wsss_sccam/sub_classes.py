"""The loss of SC-CAM, and how the maps of sub-classes become scores of classes.

Chang et al., CVPR 2020; Juliachang/SC-CAM: train_cls.py, infer_cls.py, tool/infer_utils.py.
"""

import torch.nn.functional as F
from torch import Tensor

EPSILON = 1e-5
DRAWN = 0.15  # the background of the released masks and drawings


def losses(
    logits: Tensor, sub_logits: Tensor, labels: Tensor, sub_labels: Tensor, weight: float
) -> dict[str, Tensor]:
    """Multilabel soft margin losses of classes and, times ``weight``, of sub-classes (eq. 4).

    ``logits`` and ``labels`` are (B, C), ``sub_logits`` and ``sub_labels`` (B, C * clusters). Each
    is a mean over images and over its own columns.
    """
    return {
        "loss_cls": F.multilabel_soft_margin_loss(logits, labels),
        "loss_sub": weight * F.multilabel_soft_margin_loss(sub_logits, sub_labels),
    }


def joint_maximum(total: Tensor, clusters: int) -> Tensor:
    """(K * clusters, H, W) sums divided by the largest value of their class, in [0, 1)."""
    maps = total.reshape(-1, clusters, *total.shape[1:])
    return (maps / (maps.amax((1, 2, 3), keepdim=True) + EPSILON)).reshape(total.shape)


def merged(maps: Tensor, clusters: int) -> Tensor:
    """(K * clusters, H, W) maps as (K, H, W): the largest sub-class at each pixel."""
    return maps.reshape(-1, clusters, *maps.shape[1:]).amax(1)


def binarised(scores: Tensor, threshold: float = DRAWN) -> Tensor:
    """1 where a score is above ``threshold``, else 0.

    The released program draws figures into the arrays that it then saves, so its files of maps hold
    255 and 0. Its masks are painted before.
    """
    return (scores > threshold).to(scores.dtype)
