"""Attention of SGAN, against the official one and a loop over pixels."""

import numpy as np
import pytest
import torch
from golden_files import close, golden
from sgan_golden import official_projections, official_salient

from wsss_sgan.attention import (
    background_similarity,
    both_salient,
    context,
    row_shares,
    similarities,
)
from wsss_sgan.grids import levels


@pytest.mark.golden
def test_golden_similarities_of_saliency():
    file, salient = golden("sgan.npz"), official_salient()
    assert np.array_equal(both_salient(salient), file["fg_sim"])
    assert close(background_similarity(salient), file["bg_sim"], 1e-6)


@pytest.mark.golden
def test_golden_similarities_of_features():
    file, pairs = golden("sgan.npz"), both_salient(official_salient())
    queries, keys = official_projections()
    raw = similarities(queries, keys, pairs)
    assert close(raw, file["sim_times_fg"], 1e-4)
    assert close(row_shares(raw, pairs), file["sim_normalised"], 1e-4)


@pytest.fixture
def random_case():
    rng = np.random.default_rng(3)
    features, queries, keys = (rng.normal(size=(2, c, 3, 4)) for c in (5, 2, 2))
    salient = rng.integers(2, size=(2, 3, 4)).astype(float)
    return [torch.from_numpy(array) for array in (features, queries, keys, salient)]


def test_context_is_that_of_a_loop_over_pixels(random_case):
    features, queries, keys, salient = (array.numpy() for array in random_case)
    pixels = [(y, x) for y in range(3) for x in range(4)]
    expected = np.zeros_like(features)
    for n in range(2):
        for place in pixels:
            both = [salient[n][place] * salient[n][other] for other in pixels]
            scaled = [queries[n][:, *place] @ keys[n][:, *other] / 2**0.5 for other in pixels]
            masked = [value * pair for value, pair in zip(scaled, both, strict=True)]
            above = [(v - min(masked)) * pair for v, pair in zip(masked, both, strict=True)]
            neither = [(1 - salient[n][place]) * (1 - salient[n][other]) for other in pixels]
            for other, a, b in zip(pixels, above, neither, strict=True):
                share = a / (sum(above) + 1e-5) + b / (sum(neither) + 1e-5)
                expected[n][:, *place] += share * features[n][:, *other]
    assert np.abs(context(*random_case).numpy() - expected).max() < 1e-12


def test_without_salient_pixels_the_context_is_the_mean(random_case):
    features, queries, keys, salient = random_case
    mean = features.mean((2, 3), keepdim=True).expand_as(features)
    assert torch.allclose(context(features, queries, keys, 0 * salient), mean, rtol=1e-5)


def test_where_all_pixels_are_salient_no_background_is_mixed_in(random_case):
    features, queries, keys, salient = random_case
    assert (background_similarity(torch.ones_like(salient)) == 0).all()
    assert context(features, queries, keys, torch.ones_like(salient)).isfinite().all()


def test_saliency_as_levels_is_that_of_its_file():
    grey = np.arange(256, dtype=np.uint8)[None]
    assert np.array_equal(levels(np.divide(grey, 255, dtype=np.float32)), grey)
