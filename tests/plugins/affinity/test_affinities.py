"""Affinities of features, against loops over pairs."""

import math

import numpy as np
import pytest
import torch

from wsss_affinity.affinities import affinities, affinity_maps
from wsss_harness.networks.affinity.neighbours import half_plane


def random_features(channels=70, height=7, width=11, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(channels, height, width, dtype=torch.float64, generator=generator)


def loop_affinities(features, radius, norm, border):
    channels, height, width = features.shape
    reach = radius - 1
    actual = np.zeros((len(half_plane(radius)), height, width))
    for (k, (dy, dx)), y, x in (
        (offset, y, x)
        for offset in enumerate(half_plane(radius))
        for y, x in np.ndindex(height, width)
    ):
        v, u = y + dy, x + dx
        inner = y < height - reach and reach <= x < width - reach
        if v >= height or not 0 <= u < width or (border == "released" and not inner):
            continue
        distance = sum(abs(float(features[c, y, x] - features[c, v, u])) for c in range(channels))
        actual[k, y, x] = math.exp(-distance / (channels if norm == "mean" else 1))
    return actual


@pytest.mark.parametrize("norm", ["mean", "sum"])
@pytest.mark.parametrize("border", ["released", "linked"])
def test_affinities_are_those_of_a_loop(norm, border):
    features = random_features() / (1 if norm == "mean" else 50)
    actual = affinity_maps(features, 3, norm, border).numpy()
    assert np.abs(actual - loop_affinities(features, 3, norm, border)).max() < 1e-12


def test_a_batch_is_image_by_image():
    features = torch.stack([random_features(seed=0), random_features(seed=1)])
    both = affinities(features, 3)
    assert torch.equal(both[1], affinities(features[1], 3))


def test_equal_features_have_affinity_one_and_no_gradient_is_lost():
    features = random_features().requires_grad_()
    affinities(features, 3).sum().backward()
    assert features.grad.abs().sum() > 0
    assert (affinities(torch.ones(3, 7, 11), 3) == 1).all()
