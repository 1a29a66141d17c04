"""Boundaries and the walk of one image, against loops and golden numbers."""

import numpy as np
import pytest
import torch
from golden_files import close, golden

from wsss_harness.contract.types import ClassScores
from wsss_harness.networks.affinity.neighbours import half_plane
from wsss_irn import Irn
from wsss_irn.inference import at_full_size, mean_boundary, on_grid, padded, walk
from wsss_irn.paths import walled_affinities


def dense_walk(scores, edge, radius, beta, steps):
    """As released: a dense matrix of affinities, its columns normalised, to the power of steps."""
    links, (height, width) = walled_affinities(edge, radius).numpy(), edge.shape
    dense = np.eye(height * width)
    for k, y, x in np.ndindex(links.shape):
        v, u = y + half_plane(radius)[k][0], x + half_plane(radius)[k][1]
        if v < height and 0 <= u < width:
            a, b = y * width + x, v * width + u
            dense[a, b] = dense[b, a] = links[k, y, x]
    transition = dense**beta
    transition /= transition.sum(0)
    before = (scores * (1 - edge)).numpy().reshape(len(scores), -1)
    return (before @ np.linalg.matrix_power(transition, steps)).reshape(scores.shape)


def test_the_walk_is_a_power_of_the_dense_matrix():
    torch.manual_seed(0)
    scores, edge = torch.rand(3, 9, 11).double(), torch.rand(9, 11).double()
    actual = walk(scores, edge, Irn(walk_radius=4, beta=3.0, steps=64))
    assert np.abs(actual.numpy() - dense_walk(scores, edge, 4, 3.0, 64)).max() < 1e-12


def test_a_closed_boundary_stops_the_walk():
    edge, scores = torch.zeros(8, 20), torch.zeros(1, 8, 20)
    edge[:, 10] = 1
    scores[:, 2:6, 1:4] = 1
    walked = walk(scores, edge, Irn())
    assert (walked[0, :, :10] > 1e-3).all()
    assert walked[0, :, 11:].abs().max() < 1e-6


def test_both_views_are_averaged_before_the_sigmoid():
    logits = torch.randn(2, 6, 8, dtype=torch.float64)
    actual = mean_boundary(logits, (5, 7))
    for y, x in np.ndindex(5, 7):
        mean = (logits[0, y, x] + logits[1, y, 6 - x]).item() / 2
        assert abs(actual[y, x].item() - 1 / (1 + np.exp(-mean))) < 1e-12


@pytest.mark.parametrize("size", [(8, 12), (7, 9), (1, 1), (2, 30)])
def test_scores_of_the_grid_are_means_of_squares_inside_the_image(size):
    values = torch.rand(2, *size, dtype=torch.float64)
    actual = on_grid(values, 4)
    assert actual.shape == (2, *((side - 1) // 4 + 1 for side in size))
    for k, y, x in np.ndindex(actual.shape):
        square = values[k, 4 * y : 4 * y + 4, 4 * x : 4 * x + 4]
        assert abs(actual[k, y, x] - square.mean()) < 1e-12


def test_refined_scores_are_shares_of_the_largest_of_all_classes():
    walked = torch.rand(3, 4, 5, dtype=torch.float64)
    actual = at_full_size(walked, (13, 18), 4)
    assert actual.shape == (3, 13, 18)
    assert actual.max() == 1
    assert (actual.amax((1, 2)) < 1).sum() == 2


def test_scores_that_are_all_zero_stay_zero():
    assert (at_full_size(torch.zeros(2, 4, 5), (13, 18), 4) == 0).all()


@pytest.mark.parametrize(
    ("size", "expected"), [((90, 128), (128, 128)), ((129, 20), (144, 128)), ((160, 1), (160, 128))]
)
def test_an_image_larger_than_the_crop_is_padded_to_whole_squares(size, expected):
    maps = torch.ones(1, 3, *size)
    actual = padded(maps, 128, 16)
    assert actual.shape[2:] == expected
    assert actual.sum() == maps.sum()
    assert (actual[..., : size[0], : size[1]] == 1).all()


def test_steps_grow_with_the_grid():
    assert Irn(steps="grid").steps_on(94 * 125) == 256
    assert Irn(steps="grid").steps_on(1) == 1
    assert Irn(steps=7).steps_on(9) == 7


# Golden numbers

each_picture = pytest.mark.parametrize("picture", [0, 1])


@pytest.mark.golden
@each_picture
def test_boundaries_are_official(picture):
    numbers = golden("irn.npz")
    height, width = numbers[f"inf{picture}_image_size"].tolist()
    crop = int(numbers[f"inf{picture}_crop_size"])
    logits = torch.from_numpy(numbers[f"inf{picture}_logits"])[:, 0]
    assert padded(torch.zeros(1, height, width), crop, 16).shape[1:] == (crop, crop)
    assert crop // 4 == logits.shape[-1]
    actual = mean_boundary(logits, ((height - 1) // 4 + 1, (width - 1) // 4 + 1))
    assert close(actual, numbers[f"inf{picture}_edge"][0], 1e-4)


@pytest.mark.golden
@each_picture
def test_the_walk_its_scores_and_its_labels_are_official(picture):
    numbers = golden("irn.npz")
    edge, cam, walked, expected, label, keys, margin, size = (
        numbers[f"inf{picture}_{name}"]
        for name in ("edge", "cam", "rw", "scores", "label", "keys", "margin", "image_size")
    )
    settings = Irn()
    actual = walk(torch.from_numpy(cam), torch.from_numpy(edge[0]), settings)
    assert close(actual, walked[:, 0], 5e-4)
    scores = at_full_size(actual, tuple(size.tolist()), 4).numpy()
    assert close(scores, expected, 5e-4)
    refined = ClassScores(tuple((keys + 1).tolist()), scores)
    labels = masks(refined, settings.background)
    assert (labels == label)[margin > 2e-3].all()


def masks(scores, background):
    """The mask of the background rule "explicit"."""
    numbers = np.array((0, *scores.classes))
    foreground = scores.values.max(0) > np.float32(background)
    return np.where(foreground, numbers[1 + scores.values.argmax(0)], 0)


@pytest.mark.golden
def test_the_walk_of_another_official_file():
    numbers = golden("random_walk.npz")
    beta, squarings, radius = map(int, numbers["irn_beta_exptimes_radius"])
    settings = Irn(
        beta=float(beta),
        steps=2**squarings,
        walk_radius=radius,
        background=float(numbers["irn_bg_thres"]),
    )
    edge = torch.from_numpy(numbers["irn_edge"][0])
    walked = walk(torch.from_numpy(numbers["irn_x"]), edge, settings)
    assert close(walked, numbers["irn_rw"][:, 0], 1e-3)
    size = tuple(numbers["irn_image_size"].tolist())
    scores = at_full_size(walked, size, 4).numpy()
    refined = ClassScores(tuple((numbers["irn_keys"] + 1).tolist()), scores)
    assert (masks(refined, settings.background) != numbers["irn_label"]).mean() <= 0.002
