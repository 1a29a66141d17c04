"""Affinities of nodes from the class boundaries between them."""

import torch
from torch import Tensor
from torch.nn.functional import pad

from wsss_harness.networks.affinity.neighbours import Offset, half_plane


def path(offset: Offset) -> tuple[Offset, ...]:
    """The nodes closer than one to the segment from (0, 0) to the offset, both ends included.

    Candidates are the nodes of the rectangle that the segment spans. Nodes far from the source come
    first (jiwoon-ahn/irn, misc/indexing.py).
    """
    dy, dx = offset
    rows, columns = range(min(dy, 0), max(dy, 0) + 1), range(min(dx, 0), max(dx, 0) + 1)
    length = dy**2 + dx**2
    nodes = [(y, x) for y in rows for x in columns if (dy * x - dx * y) ** 2 < length]
    return tuple(sorted(nodes, key=lambda node: -abs(node[0]) - abs(node[1])))


def path_affinities(edge: Tensor, radius: int) -> Tensor:
    """a_ij = 1 - max over the path of B: boundaries (..., h, w) to (..., P, height, width).

    Ahn, Cho and Kwak, CVPR 2019, section 4.4. Sources are those of ``neighbours.sources``. Of equal
    maxima the first on the path gets the gradient, as released.
    """
    reach = radius - 1
    height, width = max(edge.shape[-2] - reach, 0), max(edge.shape[-1] - 2 * reach, 0)

    def largest(nodes: tuple[Offset, ...]) -> Tensor:
        views = [edge[..., y : y + height, reach + x : reach + x + width] for y, x in nodes]
        return torch.stack(views).max(0).values

    return torch.stack([1 - largest(path(offset)) for offset in half_plane(radius)], -3)


def walled_affinities(edge: Tensor, radius: int) -> Tensor:
    """Affinities (..., P, h, w) of all pairs of the grid (..., h, w), 0 for those that leave it.

    As released for the walk: the grid is surrounded by boundaries of 1 (misc/indexing.py).
    """
    reach = radius - 1
    return path_affinities(pad(edge, (reach, reach, 0, reach), value=1.0), radius)
