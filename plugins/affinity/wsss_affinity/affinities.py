"""Affinities of neighbouring nodes, from their features or from the edges between them."""

from functools import reduce
from typing import Literal

import torch
from torch import Tensor
from torch.nn.functional import pad

from wsss_affinity.neighbours import Offset, half_plane, inside, placed, sources, targets, widened

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


def edge_affinities(edge: Tensor, radius: int) -> Tensor:
    """1 - the largest edge on the path: boundary probabilities (h, w) to affinities (P, h, w).

    Ahn, Cho and Kwak, CVPR 2019, section 4.4. Pairs that leave the grid are not linked.
    """
    reach = radius - 1
    height, width = edge.shape
    walled = pad(edge, (reach, reach, 0, reach), value=1.0)

    def largest_edge(nodes: tuple[Offset, ...]) -> Tensor:
        edges = [walled[y : y + height, reach + x : reach + x + width] for y, x in nodes]
        return torch.stack(edges).amax(0)

    return torch.stack([1 - largest_edge(path(offset)) for offset in half_plane(radius)])


def path(offset: Offset) -> tuple[Offset, ...]:
    """The nodes closer than one to the segment from (0, 0) to the offset, both ends included.

    Candidates are the nodes of the rectangle that the segment spans (jiwoon-ahn/irn,
    misc/indexing.py).
    """
    dy, dx = offset
    rows, columns = range(min(dy, 0), max(dy, 0) + 1), range(min(dx, 0), max(dx, 0) + 1)
    length = dy**2 + dx**2
    return tuple((y, x) for y in rows for x in columns if (dy * x - dx * y) ** 2 < length)
