"""Losses and maps of MCTformer against naive loops in double precision."""

import numpy as np
import pytest
import torch
from torch.nn.functional import interpolate

from wsss_mctformer.attention import (
    patch_affinity,
    product,
    refined,
    root,
    stretch,
    token_attention,
)
from wsss_mctformer.losses import ranked_pool, token_contrast
from wsss_mctformer.spreading import spread

LAYERS, BATCH, CLASSES, DIM, GRID = 3, 2, 4, 6, (2, 3)
PATCHES = GRID[0] * GRID[1]
TOKENS = CLASSES + PATCHES


@pytest.fixture
def attention():
    torch.manual_seed(0)
    return list(torch.rand(LAYERS, BATCH, TOKENS, TOKENS, dtype=torch.float64))


def test_ranked_pooling_weighs_values_by_rank():
    maps = torch.randn(BATCH, CLASSES, *GRID, dtype=torch.float64)
    pooled = ranked_pool(maps, 0.7)
    for image in range(BATCH):
        for index in range(CLASSES):
            values = sorted(maps[image, index].flatten().tolist(), reverse=True)
            above = sum(0.7**rank * value for rank, value in enumerate(values))
            below = sum(0.7**rank for rank in range(PATCHES))
            assert abs(pooled[image, index].item() - above / below) < 1e-12
    torch.testing.assert_close(ranked_pool(maps, 1.0), maps.mean((2, 3)), rtol=0, atol=1e-12)


def test_contrast_asks_each_present_token_to_be_most_like_itself():
    tokens = torch.randn(LAYERS, BATCH, CLASSES, DIM, dtype=torch.float64)
    present = torch.tensor([[1.0, 0, 1, 0], [0, 0, 0, 0]], dtype=torch.float64)
    of_images = []
    for image in range(BATCH):
        of_layers = []
        for layer in range(LAYERS):
            t = tokens[layer, image].numpy()
            total = 0.0
            for c in np.flatnonzero(present[image].numpy()):
                cosines = [t[c] @ k / np.linalg.norm(t[c]) / np.linalg.norm(k) for k in t]
                total -= np.log(np.exp(cosines[c]) / sum(np.exp(cosines)))
            of_layers.append(total / (present[image].sum().item() + 1e-8))
        of_images.append(np.mean(of_layers))
    assert abs(token_contrast(list(tokens), present).item() - np.mean(of_images)) < 1e-12
    assert of_images[1] == 0


def test_a_token_of_zeros_keeps_the_contrast_finite():
    tokens = torch.zeros(1, 1, CLASSES, DIM, requires_grad=True)
    loss = token_contrast([tokens[0]], torch.ones(1, CLASSES))
    loss.backward()
    assert torch.isfinite(loss)
    assert torch.isfinite(tokens.grad).all()


@pytest.mark.parametrize("mean", [True, False])
@pytest.mark.parametrize("layers", [2, 99])
def test_token_attention_is_that_of_the_last_layers(attention, mean, layers):
    attended = token_attention(attention, CLASSES, layers, mean)
    used = attention[-min(layers, LAYERS) :]
    for image in range(BATCH):
        for index in range(CLASSES):
            for patch in range(PATCHES):
                total = sum(w[image, index, CLASSES + patch].item() for w in used)
                expected = total / len(used) if mean else total
                assert abs(attended[image, index, patch].item() - expected) < 1e-12


def test_maps_are_spread_by_the_attention_of_each_patch_to_all(attention):
    maps = torch.rand(BATCH, CLASSES, *GRID, dtype=torch.float64)
    spread = refined(maps, patch_affinity(attention, CLASSES))
    for image in range(BATCH):
        for index in range(CLASSES):
            values = maps[image, index].flatten()
            for patch in range(PATCHES):
                expected = sum(
                    weights[image, CLASSES + patch, CLASSES + other] * values[other]
                    for weights in attention
                    for other in range(PATCHES)
                )
                at = divmod(patch, GRID[1])
                assert abs(spread[image, index][at] - expected).item() < 1e-12


def test_fusions_drop_evidence_against_a_class():
    attended = torch.tensor([0.25, 0.5, 0.5])
    patches = torch.tensor([4.0, -1.0, 2.0])
    assert product(attended, patches).tolist() == [1.0, 0.0, 1.0]
    assert root(attended * 4, patches).tolist() == [2.0, 0.0, 2.0]


def test_scores_reach_from_zero_to_one_and_a_flat_map_is_zero():
    scores = stretch(torch.tensor([[[2.0, 4.0, 3.0]], [[5.0, 5.0, 5.0]]]))
    assert scores[0].flatten().tolist() == [0.0, 1.0, 0.5]
    assert scores[1].flatten().tolist() == [0.0, 0.0, 0.0]


def test_spreading_averages_cells_and_weighs_them_by_affinity():
    rng = np.random.default_rng(0)
    values, affinity = rng.random((2, 4, 6)), rng.random((2, 3, 2, 3))
    rows = affinity.reshape(6, 6)
    expected = np.zeros((1, 2, 2, 3))
    for index, scores in enumerate(values):
        cells = [scores[y : y + 2, x : x + 2].mean() for y in (0, 2) for x in (0, 2, 4)]
        for _ in range(2):
            cells = [np.dot(row, cells) / sum(row) for row in rows]
        expected[0, index] = np.reshape(cells, (2, 3))
    large = interpolate(torch.tensor(expected), (4, 6), mode="bilinear", align_corners=False)
    np.testing.assert_allclose(spread(values, affinity, 2), stretch(large[0]), rtol=0, atol=1e-12)


def test_a_patch_that_attends_to_no_other_keeps_scores_finite():
    values = np.ones((1, 4, 4), np.float32)
    assert np.isfinite(spread(values, np.zeros((2, 2, 2, 2), np.float16), 1)).all()
