"""Affinities of neighbouring nodes, from their features."""

from functools import reduce
from typing import Literal

import torch
from torch import Tensor

from wsss_harness.networks.affinity.neighbours import inside, placed, sources, targets, widened

Norm = Literal["mean", "sum"]
Border = Literal["released", "linked"]
CHANNELS_AT_ONCE = 32  # as many as fit into the cache of a processor


def affinities(features: Tensor, radius: int, norm: Norm = "mean") -> Tensor:
    """W_ij = exp(-||f_i - f_j||_1) of all pairs: (..., D, h, w) to (..., P, height, width).

    Ahn and Kwak, CVPR 2018, section 3.2. ``norm``: ``mean`` divides by the number of channels, as
    jiwoon-ahn/psa does (network/resnet38_aff.py); ``sum`` is the equation as printed. Sources are
    those of ``neighbours.sources``.
    """
    channels = features.shape[-3]
    scale = channels if norm == "mean" else 1
    parts = torch.split(features, CHANNELS_AT_ONCE, -3)
    return torch.exp(-reduce(torch.add, (_distances(part, radius) for part in parts)) / scale)


def _distances(features: Tensor, radius: int) -> Tensor:
    source = sources(features, radius)
    return torch.stack(
        [(source - target).abs().sum(-3) for target in targets(features, radius)], -3
    )


def affinity_maps(
    features: Tensor, radius: int, norm: Norm = "mean", border: Border = "released"
) -> Tensor:
    """Affinities (P, h, w) of features (D, h, w), 0 where two nodes are not linked.

    ``border``: ``released`` leaves out the pairs whose source lies on the border of the grid
    (jiwoon-ahn/psa, tool/pyutils.py); ``linked`` has every pair.
    """
    size = (features.shape[-2], features.shape[-1])
    if border == "released":
        return placed(affinities(features, radius, norm), size, radius)
    linked = inside(size, radius).to(features.device)
    return affinities(widened(features, radius), radius, norm) * linked
