"""The pixel correlation module against loops over pixels and golden numbers."""

import math

import numpy as np
import pytest
import torch
from golden_files import close, fill, fill_value, golden
from torch import nn

from wsss_cam_baselines import seam_network
from wsss_cam_baselines.seam_network import EPSILON, Correlation, correlate, resized, seed

RELEASED = ((512, 1024), (64, 128))


def loop_correlate(maps, features):
    """In float64, one image, maps on the grid of the features."""
    classes, height, width = maps.shape
    pixels = list(np.ndindex(height, width))

    def alike(i, j):
        length_i, length_j = (math.sqrt(sum(features[:, *p] ** 2)) + EPSILON for p in (i, j))
        return max(0.0, float(features[:, *i] @ features[:, *j]) / (length_i * length_j))

    out = np.zeros(maps.shape)
    for j in pixels:
        weights = [alike(i, j) for i in pixels]
        for c in range(classes):
            total = sum(w * maps[c, *i] for w, i in zip(weights, pixels, strict=True))
            out[c, *j] = total / (sum(weights) + EPSILON)
    return out


def loop_seed(cam):
    classes, height, width = cam.shape
    out = np.zeros((classes + 1, height, width))
    for c in range(classes):
        highest = max(max(0.0, cam[c, *p]) for p in np.ndindex(height, width))
        for p in np.ndindex(height, width):
            out[c + 1, *p] = max(0.0, max(0.0, cam[c, *p]) - EPSILON) / (highest + EPSILON)
    for p in np.ndindex(height, width):
        best = max(out[1:, *p])
        out[0, *p] = 1 - best
        for c in range(1, classes + 1):
            out[c, *p] = out[c, *p] if out[c, *p] == best else 0
    return out


@pytest.mark.parametrize("at_once", [4096, 7])
def test_correlation_agrees_with_a_loop_over_pairs(monkeypatch, at_once):
    monkeypatch.setattr(seam_network, "PIXELS_AT_ONCE", at_once)
    rng = np.random.default_rng(0)
    maps, features = rng.random((2, 3, 4, 5)), rng.normal(size=(2, 6, 4, 5))
    actual = correlate(torch.from_numpy(maps), torch.from_numpy(features)).numpy()
    for index in range(2):
        expected = loop_correlate(maps[index], features[index])
        assert np.abs(actual[index] - expected).max() < 1e-12


def test_the_seed_agrees_with_a_loop():
    cam = np.random.default_rng(1).normal(size=(4, 5, 6))
    assert np.abs(seed(torch.from_numpy(cam)[None])[0].numpy() - loop_seed(cam)).max() < 1e-12


def test_equal_pixels_share_their_maps():
    features = torch.ones(1, 3, 2, 4)
    maps = torch.arange(8.0).view(1, 1, 2, 4)
    assert torch.allclose(correlate(maps, features), torch.full((1, 1, 2, 4), 3.5), atol=1e-4)


@pytest.mark.golden
@pytest.mark.parametrize("tag", ["", "_smaller"])
def test_golden_correlation(tag):
    file = {name: torch.from_numpy(values) for name, values in golden("seam.npz").items()}
    features = nn.functional.conv2d(file["pcm_f"], file["pcm_f9_weight"])
    assert close(correlate(file[f"pcm_cam{tag}"], features), file[f"pcm_out{tag}"], 1e-4)


def filled_head():
    module, names = Correlation(*RELEASED), ("f8_3.weight", "f8_4.weight", "f9.weight")
    module.load_state_dict({n: fill_value(n, module.state_dict()[n], 1) for n in names})
    return module


@pytest.mark.golden
def test_golden_head():
    """The released head has a channel for the background that nothing looks at: it is left out."""
    file = golden("seam.npz")
    grid, size = file["head_grid"].tolist(), file["head_image_size"].tolist()
    taps = [
        fill(f"seam.conv{n}", -1, 1, (1, c, *grid)).relu()
        for n, c in ((4, 512), (5, 1024), (6, 4096))
    ]
    images = fill("seam.image", -2, 2, (1, 3, *size))
    weight = fill_value("fc8.weight", torch.empty(21, 4096, 1, 1), 1)
    cam, module = nn.functional.conv2d(taps[2], weight), filled_head()
    assert close(cam.detach(), file["head_fc8_out"], 1e-4)
    cam = cam[:, 1:]
    assert close(seed(cam), file["head_cam_d_norm"], 1e-4)
    with torch.no_grad():
        joined = module.joined(images, taps[:2], grid)
        refined = module(cam, images, taps[:2])
    assert close(joined[:, ::8], file["head_f_every8"], 1e-4)
    assert close(refined, file["head_pcm_out"], 1e-4)
    assert close(resized(refined, size)[..., ::5, ::5], file["head_cam_rv_sub5"], 1e-4)
    assert close(resized(cam, size)[..., ::5, ::5], file["head_cam_sub5"][:, 1:], 1e-4)
