"""The random walk against powers of the dense matrix, and the released walk."""

import numpy as np
import pytest
import torch
from golden_files import close, golden
from numpy.polynomial import chebyshev as polynomial

from wsss_harness.networks.affinity.neighbours import half_plane, inside, placed, sources
from wsss_harness.networks.affinity.walk import chebyshev, propagate


def dense_matrix(links, radius):
    """Affinities of all pairs, symmetric, one on the diagonal, by a loop."""
    pairs, height, width = links.shape
    nodes = np.arange(height * width).reshape(height, width)
    dense = np.eye(height * width)
    for k, y, x in np.ndindex(pairs, height, width):
        v, u = y + half_plane(radius)[k][0], x + half_plane(radius)[k][1]
        if v < height and 0 <= u < width:
            a, b = nodes[y, x], nodes[v, u]
            dense[a, b] = dense[b, a] = float(links[k, y, x])
    return dense


def dense_walk(scores, links, radius, beta, steps):
    """As released: a power of each affinity, columns that sum to one, a power of the matrix."""
    transition = dense_matrix(links, radius) ** beta
    transition /= transition.sum(0)
    walked = scores.reshape(len(scores), -1) @ np.linalg.matrix_power(transition, steps)
    return walked.reshape(scores.shape)


def random_links(radius, size, border="linked", seed=0):
    """Links between all neighbours, or only from nodes that are not on the border."""
    generator = torch.Generator().manual_seed(seed)
    linked = inside(size, radius)
    if border == "released":
        linked = placed(sources(linked, radius), size, radius)
    return torch.rand(linked.shape, dtype=torch.float64, generator=generator) * linked


@pytest.mark.parametrize("border", ["released", "linked"])
@pytest.mark.parametrize(("radius", "steps"), [(2, 1), (3, 7), (4, 64), (5, 256), (5, 1000)])
def test_the_walk_is_a_power_of_the_dense_matrix(border, radius, steps):
    links = random_links(radius, (11, 13), border)
    scores = torch.rand(3, 11, 13, dtype=torch.float64)
    walked = propagate(scores, links, radius, beta=3.0, steps=steps)
    expected = dense_walk(scores.numpy(), links.numpy(), radius, 3.0, steps)
    assert np.abs(walked.numpy() - expected).max() < 1e-10


def test_single_precision_is_right_to_three_digits():
    links = random_links(5, (16, 20)).float()
    scores = torch.rand(2, 16, 20)
    expected = dense_walk(scores.numpy().astype(np.float64), links.numpy(), 5, 8.0, 256)
    assert np.abs(propagate(scores, links, 5).numpy() - expected).max() < 1e-3


def test_no_steps_change_nothing():
    scores = torch.rand(2, 8, 12, dtype=torch.float64)
    walked = propagate(scores, random_links(3, (8, 12)), 3, steps=0)
    assert torch.allclose(walked, scores, rtol=0, atol=1e-14)


def test_constant_scores_stay_constant():
    walked = propagate(
        torch.full((1, 9, 14), 0.3, dtype=torch.float64), random_links(4, (9, 14)), 4
    )
    assert torch.allclose(walked, torch.full_like(walked, 0.3), rtol=0, atol=1e-12)


@pytest.mark.parametrize("size", [(1, 1), (6, 1), (1, 9), (3, 2)])
def test_a_narrow_grid_walks_along_the_links_that_it_has(size):
    links = random_links(5, size)
    scores = torch.rand(2, *size, dtype=torch.float64)
    expected = dense_walk(scores.numpy(), links.numpy(), 5, 2.0, 16)
    assert np.abs(propagate(scores, links, 5, 2.0, 16).numpy() - expected).max() < 1e-12


def test_without_links_nothing_moves():
    links = torch.zeros(len(half_plane(5)), 4, 5)
    scores = torch.rand(2, 4, 5)
    assert torch.allclose(propagate(scores, links, 5), scores, rtol=0, atol=1e-6)


@pytest.mark.parametrize("steps", [0, 1, 2, 5, 64, 255, 256])
def test_chebyshev_series_equals_the_power(steps):
    weights = chebyshev(steps, 1e-15)
    x = np.linspace(-1, 1, 201)
    assert np.abs(polynomial.chebval(x, weights) - x**steps).max() < 1e-12


def test_a_coarser_tolerance_takes_fewer_terms():
    assert len(chebyshev(256, 1e-7)) == 85  # degree 84
    assert len(chebyshev(256, 1e-3)) < 60
    x = np.linspace(-1, 1, 201)
    assert np.abs(polynomial.chebval(x, chebyshev(256, 1e-7)) - x**256).max() < 1e-7


@pytest.mark.golden
def test_the_released_walk_over_affinities():
    numbers = golden("random_walk.npz")
    height, width = map(int, numbers["psa_grid"])
    _, beta, squarings = map(int, numbers["psa_alpha_beta_logt"])
    pairs = torch.from_numpy(numbers["psa_aff_sparse"][0])
    links = placed(pairs.reshape(len(pairs), height - 4, width - 8), (height, width), 5)
    assert close(dense_matrix(links, 5), numbers["psa_aff_dense"], 1e-5)
    small = torch.from_numpy(numbers["psa_cam_small"])
    walked = propagate(small, links, 5, float(beta), 2**squarings)
    assert close(walked, numbers["psa_cam_rw_small"][0], 1e-3)
