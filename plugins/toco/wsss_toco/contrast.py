"""The contrasts of ToCo: between patch tokens, and between class tokens of crops.

Ru et al., CVPR 2023, sections 3.2 and 3.3, equations 4 and 6; rulixiang/ToCo: model/losses.py.
"""

import torch
from torch import Tensor
from torch.nn.functional import normalize

from wsss_toco.labels import IGNORED

EPSILON = 1e-4


def pair_labels(labels: Tensor) -> Tensor:
    """(B, N, N) of labels (B, h, w): 1 equal, 0 different, 255 ignored, as each with itself."""
    flat = labels.flatten(1)
    first, second = flat[:, :, None], flat[:, None, :]
    pairs = (first == second).long()
    unknown = (first == IGNORED) | (second == IGNORED)
    own = torch.eye(flat.shape[1], dtype=torch.bool, device=flat.device)
    return pairs.masked_fill(unknown | own, IGNORED)


def patch_loss(features: Tensor, pairs: Tensor) -> Tensor:
    """Equal patches should be alike, different ones orthogonal; cosines count without a sign.

    ``features`` (B, D, h, w), ``pairs`` (B, N, N) of ``pair_labels``.
    """
    unit = normalize(features.flatten(2), dim=1, eps=1e-8)
    cosines = (unit.transpose(1, 2) @ unit).abs()
    return 0.5 * (1 - mean_of(cosines, pairs == 1)) + 0.5 * mean_of(cosines, pairs == 0)


def mean_of(values: Tensor, chosen: Tensor) -> Tensor:
    """The sum of chosen values over 1 + their number, which is 0 without any."""
    return (values * chosen).sum() / (chosen.sum() + 1)


def crop_loss(
    student: Tensor, teacher: Tensor, positive: Tensor, temperature: float = 0.5, extra: bool = True
) -> Tensor:
    """InfoNCE of the class tokens of crops with those of whole images.

    ``student`` (B, J, D) has whole views first, ``teacher`` (B, V, D) those views alone;
    ``positive`` (B, J) are zeros and ones. ``extra``: the released loop adds the term of one more
    positive with similarity 0, always.
    """
    similar = torch.einsum("bvd,bjd->bvj", teacher, student).div(temperature).exp()
    chosen = positive[:, None]
    negatives = (similar * (1 - chosen)).sum(2, keepdim=True)
    terms = -(similar / (similar + negatives + EPSILON)).log() * chosen
    total = terms.sum((1, 2))
    if extra:
        total = total + (1 + negatives + EPSILON).log().sum((1, 2))
    return (total / teacher.shape[1] / (positive.sum(1) + EPSILON)).mean()
