"""Boundary F-score: by hand, against a loop over pixels, and at its ends."""

import math

import numpy as np
import pytest

from wsss_harness.metrics.boundary import TOLERANCE, count, edges, fill_ignored, near, read

NAMES = ("background", "cat")


def square(shift=0, size=(40, 60), value=1):
    mask = np.zeros(size, np.uint8)
    mask[10:30, 15 + shift : 40 + shift] = value
    return mask


def score(truth, mask):
    return read(count(truth, mask, 5, {}), NAMES, ())


def edges_by_loop(labels):
    """Pixels that differ from the pixel to their right or below."""
    edges = set()
    for y, x in np.ndindex(labels.shape):
        for v, u in ((y, x + 1), (y + 1, x)):
            if v < labels.shape[0] and u < labels.shape[1] and labels[y, x] != labels[v, u]:
                edges.add((y, x))
    return edges


def count_by_loop(truth, mask):
    reach = max(1.0, TOLERANCE * math.hypot(*truth.shape))
    true, predicted = edges_by_loop(truth), edges_by_loop(mask)
    matched = [
        sum(any(math.dist(spot, other) <= reach for other in others) for spot in spots)
        for spots, others in ((predicted, true), (true, predicted))
    ]
    return [matched[0], len(predicted), matched[1], len(true)]


def test_edges_by_hand():
    labels = np.array([[0, 0, 0], [0, 2, 0], [0, 0, 0]], np.uint8)
    assert edges(labels).tolist() == [[False, True, False], [True, True, False], [False] * 3]


def test_near_includes_its_reach():
    edge = np.zeros((1, 7), bool)
    edge[0, 3] = True
    assert near(edge, 2.0)[0].tolist() == [False, True, True, True, True, True, False]
    assert not near(np.zeros((2, 2), bool), 5.0).any()


@pytest.mark.parametrize("seed", range(3))
def test_against_a_loop(seed):
    rng = np.random.default_rng(seed)
    areas = rng.integers(0, 4, (2, 3, 4)).astype(np.uint8)
    truth, mask = np.kron(areas, np.ones((1, 40, 50), np.uint8))
    mask = np.roll(mask, (1, -2), (0, 1))
    assert count(truth, mask, 5, {}).tolist() == count_by_loop(truth, mask)


def test_a_perfect_mask():
    assert score(square(), square()) == {"precision": 1, "recall": 1, "f": 1}


def step(column):
    """Two halves of 300 x 400 pixels, where the tolerance is 3.75."""
    mask = np.zeros((300, 400), np.uint8)
    mask[:, column:] = 1
    return mask


@pytest.mark.parametrize(("shift", "f"), [(0, 1), (3, 1), (4, 0), (-3, 1), (-4, 0)])
def test_edges_are_found_up_to_the_tolerance(shift, f):
    assert score(step(200), step(200 + shift))["f"] == f


def test_classes_do_not_matter():
    assert score(square(), square(value=4)) == score(square(), square())


def test_an_empty_mask_has_no_precision():
    assert score(square(), np.zeros((40, 60), np.uint8)) == {
        "precision": None,
        "recall": 0,
        "f": None,
    }
    assert score(np.zeros((40, 60), np.uint8), square())["recall"] is None


def test_matches_nowhere_give_zero():
    far = np.zeros((200, 200), np.uint8)
    far[150:, 150:] = 1
    other = np.zeros((200, 200), np.uint8)
    other[:20, :20] = 1
    assert score(far, other) == {"precision": 0, "recall": 0, "f": 0}


def test_the_border_of_255_closes_to_its_middle():
    """A border of 255 around an object moves no edge by more than half its width."""
    bordered = square()
    bordered[8:32, 13:42] = np.where(bordered[8:32, 13:42] == 0, 255, 1)
    bordered[10:12, 15:40] = bordered[28:30, 15:40] = 255
    bordered[10:30, 15:17] = bordered[10:30, 38:40] = 255
    filled = fill_ignored(bordered, bordered == 255)
    assert set(np.unique(filled)) == {0, 1}
    assert np.abs(filled.astype(int) - square()).sum() <= 20  # pixels equally far from both sides
    assert score(bordered, square())["f"] == 1


@pytest.mark.parametrize(("column", "counted"), [(20, 40), (32, 40), (33, 0)])
def test_nothing_counts_deep_inside_255(column, counted):
    """The tolerance is 1: an edge counts up to 2 pixels inside, so up to column 31."""
    truth, mask = np.zeros((2, 40, 60), np.uint8)
    truth[:, 30:] = 255
    mask[:, column:] = 1
    assert count(truth, mask, 5, {}).tolist() == [0, counted, 0, 0]


def test_an_image_without_truth_counts_nothing():
    ignored = np.full((40, 60), 255, np.uint8)
    assert count(ignored, square(), 5, {}).tolist() == [0, 0, 0, 0]


def test_the_counts_of_images_add_up():
    pairs = [(square(), square(shift)) for shift in (0, 2, 9)]
    total = sum(count(*pair, 5, {}) for pair in pairs)
    matched, predicted, recovered, true = total.tolist()
    precision, recall = matched / predicted, recovered / true
    expected = 2 * precision * recall / (precision + recall)
    assert read(total, NAMES, ())["f"] == pytest.approx(expected, abs=1e-12)
