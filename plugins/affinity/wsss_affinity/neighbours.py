"""Which nodes of a grid are neighbours, and how values of pairs are laid out.

A pair is a source node and the node at an offset (dy, dx) from it; offsets cover half a plane, so
that every pair is named once. Values of pairs are kept as maps: ``values[k, y, x]`` belongs to the
source (y, x) and its neighbour at offset k, and is 0 where there is no such pair.
"""

from collections.abc import Iterator, Sequence
from functools import cache

import torch
from torch import Tensor
from torch.nn.functional import pad

Offset = tuple[int, int]


@cache
def half_plane(radius: int) -> tuple[Offset, ...]:
    """Offsets (dy, dx) closer than ``radius``: to the right first, then row by row below.

    jiwoon-ahn/psa, tool/pyutils.py: 34 offsets for radius 5.
    """
    reach = range(1 - radius, radius)
    right = [(0, dx) for dx in reach if dx > 0]
    below = [(dy, dx) for dy in reach if dy > 0 for dx in reach if dy**2 + dx**2 < radius**2]
    return (*right, *below)


def sources(maps: Tensor, radius: int) -> Tensor:
    """The part of (..., h, w) maps whose neighbours all lie in the grid, as released.

    Rows up to h - radius and columns radius - 1 up to w - radius: the border below and at both
    sides has no pairs of its own.
    """
    _, height, width = _block(maps, radius)
    return maps[..., :height, radius - 1 : radius - 1 + width]


def targets(maps: Tensor, radius: int) -> Iterator[Tensor]:
    """For each offset, the values at the neighbours of the sources; shaped as the sources."""
    reach, height, width = _block(maps, radius)
    for dy, dx in half_plane(radius):
        yield maps[..., dy : dy + height, reach + dx : reach + dx + width]


def _block(maps: Tensor, radius: int) -> tuple[int, int, int]:
    """The reach of a neighbourhood, and height and width of the sources; 0 for a small grid."""
    reach = radius - 1
    return reach, max(maps.shape[-2] - reach, 0), max(maps.shape[-1] - 2 * reach, 0)


def widened(maps: Tensor, radius: int) -> Tensor:
    """Maps with a border of zeros that makes every node of the grid a source."""
    reach = radius - 1
    return pad(maps, (reach, reach, 0, reach))


def placed(values: Tensor, size: tuple[int, int], radius: int) -> Tensor:
    """Values (P, height, width) of the sources as maps (P, h, w) of the grid, 0 elsewhere."""
    reach = radius - 1
    below, right = size[0] - values.shape[-2], size[1] - values.shape[-1] - reach
    if values.numel() == 0:  # a grid too small for a source
        return values.new_zeros(len(half_plane(radius)), *size)
    return pad(values, (reach, right, 0, below))


def ends(map_: Tensor, offset: Offset) -> tuple[Tensor, Tensor]:
    """Of a map (h, w), the views at both ends of all pairs with this offset that lie in it."""
    dy, dx = offset
    height, width = map_.shape
    rows, columns = max(height - dy, 0), max(width - abs(dx), 0)
    left, right = max(-dx, 0), max(dx, 0)
    return (
        map_[:rows, left : left + columns],
        map_[dy : dy + rows, right : right + columns],
    )


def inside(size: tuple[int, int], radius: int) -> Tensor:
    """(P, h, w) bool: whether the neighbour of a node lies in the grid."""
    found = torch.zeros(len(half_plane(radius)), *size, dtype=torch.bool)
    for linked, offset in zip(found, half_plane(radius), strict=True):
        ends(linked, offset)[0].fill_(True)
    return found


def moves(offsets: Sequence[Offset], width: int) -> list[int]:
    """Offsets as differences of the numbers of nodes, counted row by row."""
    return [dy * width + dx for dy, dx in offsets]
