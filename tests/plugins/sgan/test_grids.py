"""Pictures and labels at the sizes of SGAN, as the official program makes them."""

import numpy as np
import pytest
from golden_files import close, golden

from wsss_sgan.grids import salient_map, seed_targets, zoomed


def official_targets(reduced):
    """Official targets, in which 20 is none, as ours, in which that is 255."""
    return np.where(reduced == 20, 255, reduced)


def official_seeds(labels):
    """Official labels, in which 21 is none, as ours, in which that is 255."""
    return np.where(labels == 21, 255, labels).astype(np.uint8)


@pytest.mark.golden
def test_golden_seeds_of_small_items():
    file = golden("sgan.npz")
    size = int(file["new_size"])
    for number, flipped in enumerate(file["flipped"].tolist(), 1):
        seeds = zoomed(official_seeds(file[f"seed_{number}"]), (size, size), 0)
        expected = official_targets(file["seed_reduced"][number - 1])
        targets = seed_targets(seeds[:, ::-1] if flipped else seeds, len(expected))
        assert np.array_equal(targets, expected)


@pytest.mark.parametrize(("level", "salient"), [(15, 0), (16, 1)])  # 15 / 255 < 0.06 < 16 / 255
def test_pixels_above_the_threshold_are_salient_but_for_the_border(level, salient):
    maps = salient_map(np.full((10, 8), level, np.uint8), 4, 0.06)
    expected = np.zeros((4, 4))
    expected[1:-1, 1:-1] = salient
    assert np.array_equal(maps, expected)


def test_corners_keep_their_places():
    values = np.array([[0.0, 10.0], [20.0, 30.0]])
    assert np.allclose(zoomed(values, (3, 3), 1), [[0, 5, 10], [10, 15, 20], [20, 25, 30]])


def test_colours_are_not_mixed():
    image = np.random.default_rng(0).integers(256, size=(7, 9, 3), dtype=np.uint8)
    squashed = zoomed(image, (5, 5), 1)
    assert squashed.dtype == np.uint8
    assert all(np.array_equal(squashed[..., c], zoomed(image[..., c], (5, 5), 1)) for c in range(3))


def test_only_seeds_of_classes_are_targets():
    seeds = np.array([[0, 255], [1, 20]], np.uint8)
    assert np.array_equal(seed_targets(seeds, 2), [[255, 255], [0, 19]])


@pytest.mark.parametrize("size", [(1, 1), (1, 9), (500, 3)])
def test_a_picture_of_any_size_is_squashed(size):
    assert zoomed(np.full(size, 7, np.uint8), (4, 4), 0).tolist() == [[7] * 4] * 4
    assert close(zoomed(np.full(size, 7.0), (4, 4), 1), np.full((4, 4), 7.0), 1e-12)
