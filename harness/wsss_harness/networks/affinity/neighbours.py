"""Neighbouring nodes of a grid, and the layout of values of pairs.

A pair is a source node and the target node at an offset (dy, dx) from it; offsets cover half a
plane, so that every pair occurs once. Values of pairs are stored as maps: ``values[k, y, x]``
belongs to the source (y, x) and its target at offset k, and is 0 if there is no such pair.
"""

from collections.abc import Iterator
from functools import cache

import torch
from torch import Tensor
from torch.nn.functional import pad

Offset = tuple[int, int]


@cache
def half_plane(radius: int) -> tuple[Offset, ...]:
    """Offsets (dy, dx) shorter than ``radius``: first to the right, then the rows below.

    jiwoon-ahn/psa, tool/pyutils.py: 34 offsets for radius 5.
    """
    reach = range(1 - radius, radius)
    right = [(0, dx) for dx in reach if dx > 0]
    below = [(dy, dx) for dy in reach if dy > 0 for dx in reach if dy**2 + dx**2 < radius**2]
    return (*right, *below)


def sources(maps: Tensor, radius: int) -> Tensor:
    """The part of maps (..., h, w) whose targets all lie in the grid, as released.

    Rows up to h - radius and columns from radius - 1 to w - radius: nodes of the border below and
    at both sides are not sources.
    """
    _, height, width = _block(maps, radius)
    return maps[..., :height, radius - 1 : radius - 1 + width]


def targets(maps: Tensor, radius: int) -> Iterator[Tensor]:
    """For each offset, the values at the targets of the sources, in the shape of the sources."""
    reach, height, width = _block(maps, radius)
    for dy, dx in half_plane(radius):
        yield maps[..., dy : dy + height, reach + dx : reach + dx + width]


def _block(maps: Tensor, radius: int) -> tuple[int, int, int]:
    """The reach of a neighbourhood, and height and width of the sources, 0 if there are none."""
    reach = radius - 1
    return reach, max(maps.shape[-2] - reach, 0), max(maps.shape[-1] - 2 * reach, 0)


def widened(maps: Tensor, radius: int) -> Tensor:
    """Pad maps with a border of zeros that makes every node of the grid a source."""
    reach = radius - 1
    return pad(maps, (reach, reach, 0, reach))


def placed(values: Tensor, size: tuple[int, int], radius: int) -> Tensor:
    """Values (P, height, width) of sources as maps (P, h, w) of the grid, 0 elsewhere."""
    reach = radius - 1
    if values.numel() == 0:  # a grid too small for a source
        return values.new_zeros(len(half_plane(radius)), *size)
    below, right = size[0] - values.shape[-2], size[1] - values.shape[-1] - reach
    return pad(values, (reach, right, 0, below))


def ends(map_: Tensor, offset: Offset) -> tuple[Tensor, Tensor]:
    """Views of a map (h, w) at the sources and at the targets of all pairs with this offset."""
    dy, dx = offset
    height, width = map_.shape
    rows, columns = max(height - dy, 0), max(width - abs(dx), 0)
    source, target = max(-dx, 0), max(dx, 0)  # first columns
    return map_[:rows, source : source + columns], map_[dy : dy + rows, target : target + columns]


def inside(size: tuple[int, int], radius: int) -> Tensor:
    """(P, h, w) bool: whether the target of a node lies in the grid."""
    linked = torch.zeros(len(half_plane(radius)), *size, dtype=torch.bool)
    for linked_map, offset in zip(linked, half_plane(radius), strict=True):
        ends(linked_map, offset)[0].fill_(True)
    return linked
