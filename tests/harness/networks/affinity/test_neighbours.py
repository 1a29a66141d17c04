"""Neighbourhoods of nodes and the layout of pairs, against loops over the grid."""

import numpy as np
import pytest
import torch
from golden_files import golden

from wsss_harness.networks.affinity.neighbours import (
    ends,
    half_plane,
    inside,
    placed,
    sources,
    targets,
    widened,
)


def loop_pairs(height, width, radius):
    """Every pair of nodes closer than the radius, once, whose source is not on the border."""
    reach = radius - 1
    return {
        ((y, x), (v, u))
        for y, x in np.ndindex(height - reach, width)
        if reach <= x < width - reach
        for v, u in np.ndindex(height, width)
        if (v, u) > (y, x) and (v - y) ** 2 + (u - x) ** 2 < radius**2
    }


@pytest.mark.parametrize("radius", [2, 3, 5])
def test_sources_and_targets_are_all_pairs_once(radius):
    height, width = 7, 11
    numbers = torch.arange(height * width).reshape(height, width)
    own = sources(numbers, radius)
    actual = [
        (divmod(int(a), width), divmod(int(b), width))
        for other in targets(numbers, radius)
        for a, b in zip(own.flatten(), other.flatten(), strict=True)
    ]
    assert len(actual) == len(set(actual))
    assert set(actual) == loop_pairs(height, width, radius)


@pytest.mark.golden
def test_offsets_and_numbers_of_nodes_are_the_released_ones():
    numbers = golden("affinity_pairs.npz")
    height, width = numbers["grid"]
    nodes = torch.arange(height * width).reshape(height, width)
    assert np.array_equal(half_plane(5), numbers["search_dist"])
    assert np.array_equal(sources(nodes, 5).flatten(), numbers["ind_from"])
    ends_of_pairs = torch.stack(list(targets(nodes, 5)))
    assert np.array_equal(ends_of_pairs.flatten(), numbers["ind_to"])


def test_the_released_neighbourhood_has_34_offsets():
    assert len(half_plane(5)) == 34
    assert half_plane(2) == ((0, 1), (1, -1), (1, 0), (1, 1))


def test_a_border_of_zeros_makes_every_node_a_source():
    grid = torch.arange(1.0, 13).reshape(3, 4)
    assert torch.equal(sources(widened(grid, 3), 3), grid)


def test_placed_values_stand_at_their_sources():
    grid = torch.arange(63).reshape(7, 9)
    values = sources(grid, 3)[None].expand(len(half_plane(3)), -1, -1)
    maps = placed(values, (7, 9), 3)
    assert torch.equal(sources(maps[0], 3), sources(grid, 3))
    assert maps[0].sum() == sources(grid, 3).sum()


@pytest.mark.parametrize("size", [(1, 1), (9, 1), (2, 3), (4, 20)])
def test_a_grid_smaller_than_the_neighbourhood_has_no_sources(size):
    own = sources(torch.zeros(size), 5)
    pairs = torch.stack(list(targets(torch.zeros(size), 5)))
    assert pairs.shape[1:] == own.shape
    assert placed(pairs, size, 5).shape == (34, *size)


def test_both_ends_of_the_pairs_that_lie_in_the_grid():
    height, width, radius = 4, 6, 3
    numbers = torch.arange(height * width).reshape(height, width)
    linked = inside((height, width), radius)
    for k, (dy, dx) in enumerate(half_plane(radius)):
        own, other = ends(numbers, (dy, dx))
        assert torch.equal(other - own, torch.full_like(own, dy * width + dx))
        expected = [
            [v + dy < height and 0 <= u + dx < width for u in range(width)] for v in range(height)
        ]
        assert linked[k].tolist() == expected
