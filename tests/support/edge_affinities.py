"""Affinities from boundary probabilities, as in IRN, whose released walks test the random walk."""

import torch
from torch import Tensor
from torch.nn.functional import pad

from wsss_affinity.neighbours import Offset, half_plane


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
