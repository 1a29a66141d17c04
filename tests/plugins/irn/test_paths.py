"""Affinities between boundaries, against loops over pairs and golden numbers."""

import numpy as np
import pytest
import torch
from golden_files import close, fill, golden

from wsss_harness.networks.affinity.neighbours import half_plane, sources, targets
from wsss_irn.paths import path, path_affinities, walled_affinities


def loop_affinity(edge, source, offset):
    """1 - the largest edge near the segment; 0 for a pair that leaves the grid."""
    (y0, x0), (dy, dx) = source, offset
    if y0 + dy >= edge.shape[0] or not 0 <= x0 + dx < edge.shape[1]:
        return 0.0
    largest = 0.0
    for y, x in np.ndindex(edge.shape):
        inside = min(0, dy) <= y - y0 <= max(0, dy) and min(0, dx) <= x - x0 <= max(0, dx)
        distance = abs(dy * (x - x0) - dx * (y - y0)) / np.hypot(dy, dx)
        if inside and distance < 1 - 1e-12:
            largest = max(largest, edge[y, x])
    return 1 - largest


@pytest.mark.parametrize("radius", [2, 3, 5])
def test_affinities_are_those_of_a_loop(radius):
    edge = torch.rand(2, 9, 12, dtype=torch.float64)
    inner, all_pairs = path_affinities(edge, radius), walled_affinities(edge, radius)
    rows, columns = sources(torch.arange(9)[:, None].expand(9, 12), radius).shape
    assert inner.shape == (2, len(half_plane(radius)), rows, columns)
    for b, k, y, x in np.ndindex(all_pairs.shape):
        expected = loop_affinity(edge[b].numpy(), (y, x), half_plane(radius)[k])
        assert abs(all_pairs[b, k, y, x] - expected) < 1e-12
        if y < rows and 0 <= x - radius + 1 < columns:
            assert inner[b, k, y, x - radius + 1] == all_pairs[b, k, y, x]


def test_a_bright_line_separates_its_sides_and_nothing_else():
    edge = torch.zeros(24, 30)
    edge[:, 14] = 0.7
    all_links = walled_affinities(edge, 10)
    for k, (_, dx) in enumerate(half_plane(10)):
        links = all_links[k, :14]
        near, far = torch.arange(30), torch.arange(30) + dx
        inside = (far >= 0) & (far < 30)
        crosses = (torch.minimum(near, far) <= 14) & (torch.maximum(near, far) >= 14)
        expected = torch.where(crosses, 1 - 0.7, 1.0) * inside
        assert torch.allclose(links, expected.expand_as(links), atol=1e-6)


@pytest.mark.parametrize("size", [(1, 1), (3, 2), (1, 40), (40, 1)])
def test_a_small_grid_has_the_links_that_fit(size):
    assert path_affinities(torch.rand(size), 5).numel() == 0 or min(size) > 4
    links = walled_affinities(torch.zeros(size), 5)
    assert links.shape == (34, *size)
    for k, (dy, dx) in enumerate(half_plane(5)):
        assert links[k].sum() == max(size[0] - dy, 0) * max(size[1] - abs(dx), 0)


def test_of_equal_maxima_the_node_nearest_to_the_target_gets_the_gradient():
    edge = torch.full((2, 5), 0.5, requires_grad=True)
    path_affinities(edge, 2)[half_plane(2).index((0, 1))].sum().backward()
    assert edge.grad.tolist() == [[0, 0, -1, -1, -1], [0] * 5]


# Golden numbers


def released(numbers):
    """Our place of each released offset."""
    offsets = {offset: k for k, offset in enumerate(half_plane(10))}
    return [offsets[tuple(offset)] for offset in numbers["path_dst"].tolist()]


@pytest.mark.golden
def test_offsets_and_paths_are_the_released_ones():
    numbers = golden("irn.npz")
    assert sorted(released(numbers)) == list(range(len(half_plane(10)))) == list(range(152))
    for offset, length, coordinates in zip(
        numbers["path_dst"].tolist(), numbers["path_len"], numbers["path_coords"], strict=True
    ):
        assert np.array_equal(path(tuple(offset)), coordinates[:length])


@pytest.mark.golden
def test_sources_and_targets_are_the_released_ones():
    numbers = golden("irn.npz")
    height, width = numbers["path_grid"].tolist()
    nodes = torch.arange(height * width).reshape(height, width)
    assert np.array_equal(sources(nodes, 10).flatten(), numbers["path_src_indices"])
    ends = torch.stack(list(targets(nodes, 10)))[released(numbers)]
    assert np.array_equal(ends.flatten(1), numbers["path_dst_indices"])


@pytest.mark.golden
def test_indices_of_a_training_grid_add_up_to_the_released_sums():
    numbers = golden("irn.npz")
    nodes = torch.arange(128 * 128).reshape(128, 128)
    own = sources(nodes, 10)
    count, total = own.numel(), int(own.sum())
    assert (count, total) == (numbers["path_n_src_128"], numbers["path_src_sum_128"])
    assert sum(int(t.sum()) for t in targets(nodes, 10)) == numbers["path_dst_sum_128"]
    steps = [128 * y + x for offset in half_plane(10) for y, x in path(offset)]
    assert count * len(steps) == numbers["path_all_count_128"]
    assert total * len(steps) + count * sum(steps) == numbers["path_all_sum_128"]


@pytest.mark.golden
def test_affinities_and_their_gradient_are_the_released_ones():
    numbers = golden("irn.npz")
    edge = torch.from_numpy(numbers["path_edge"]).requires_grad_()
    actual = path_affinities(edge, 10)[:, released(numbers)].flatten(2)
    assert close(actual.detach(), numbers["path_aff"], 1e-4)
    weights = fill("irn.path_g", -1, 1, numbers["path_aff"].shape)
    (actual[0] * weights[0]).sum().backward()
    assert close(edge.grad[0], numbers["path_grad_edge0"], 1e-4)


@pytest.mark.golden
def test_affinities_of_the_walk_are_the_released_ones():
    numbers = golden("random_walk.npz")
    radius = int(numbers["irn_beta_exptimes_radius"][2])
    edge = torch.from_numpy(numbers["irn_edge"][0])
    actual = walled_affinities(edge, radius)
    dense = numbers["irn_aff_dense"].reshape(*edge.shape, *edge.shape)
    for k, (dy, dx) in enumerate(half_plane(radius)):
        for y, x in np.ndindex(tuple(edge.shape)):
            inside = y + dy < edge.shape[0] and 0 <= x + dx < edge.shape[1]
            expected = dense[y, x, y + dy, x + dx] if inside else 0
            assert actual[k, y, x] == pytest.approx(expected, abs=1e-5)
    lengths = [len(path(tuple(offset))) for offset in numbers["irn_search_dst"].tolist()]
    assert lengths == numbers["irn_path_len"].tolist()
