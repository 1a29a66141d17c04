"""Seeds from scores, and the rules by which claims of a grid become a mask."""

import numpy as np
import pytest
from golden_files import golden

from wsss_harness import ClassScores
from wsss_sgan.grids import levels, zoomed
from wsss_sgan.seeds import claims, initial_seeds, settled

BOAT, TRAIN = 4, 19


def official_mask(labels):
    return np.where(labels == 21, 255, labels)


def official_thresholds():
    file = golden("sgan.npz")
    return float(file["infer_cam_thresh"]), float(file["sal_thresh"])


@pytest.mark.golden
@pytest.mark.parametrize(("number", "conflicts"), [(0, "area"), (1, "undefined")])
def test_golden_seeds_of_a_grid(number, conflicts):
    file = golden("sgan.npz")
    expected = file[f"infer_seed_ignore_conflict{number}"]
    labels = file["infer_labels"]
    maps = file["infer_att"].transpose(2, 0, 1)[labels - 1]
    saliency = zoomed(file["infer_saliency"], expected.shape, 1)
    claimed = claims(maps, saliency, *official_thresholds())
    mask = settled(claimed, tuple(labels.tolist()), conflicts, (BOAT, TRAIN))
    assert np.array_equal(mask, official_mask(expected))


@pytest.mark.golden
@pytest.mark.parametrize("number", [0, 1])
@pytest.mark.parametrize("kind", ["default", "ignore_conflict", "cam_only"])
def test_golden_masks(number, kind):
    file = golden("sgan2.npz")
    part = {name: file[f"infer{number}_{name}"] for name in ("labels", "cam", "seg", "saliency")}
    maps = part["cam"] if kind == "cam_only" else part["cam"] + part["seg"]
    grey = np.divide(part["saliency"], 255, dtype=np.float32)
    assert np.array_equal(levels(grey), part["saliency"])
    claimed = claims(maps, zoomed(grey, maps.shape[1:], 1), *official_thresholds())
    conflicts = "undefined" if kind == "ignore_conflict" else "area"
    grid = settled(claimed, tuple(part["labels"].tolist()), conflicts, (BOAT, TRAIN))
    mask = zoomed(grid, grey.shape, 0)
    assert np.array_equal(mask, official_mask(file[f"infer{number}_{kind}_mask"]))


def claimed_of(*rows):
    return np.array(rows, bool)[:, None]


def test_the_smallest_claim_wins_the_background_included():
    claimed = claimed_of([1, 1, 0, 0, 0], [1, 0, 1, 1, 0], [0, 1, 1, 0, 0])
    assert settled(claimed, (3, 7), "area").tolist() == [[0, 7, 7, 3, 255]]


def test_of_equal_claims_the_later_class_wins():
    assert settled(claimed_of([1], [1], [1]), (3, 7), "area").tolist() == [[7]]


def test_yielding_classes_leave_what_the_background_claims_too():
    claimed = claimed_of([1, 1, 1, 0], [1, 0, 0, 1], [0, 1, 0, 0])
    assert settled(claimed, (3, 7), "area").tolist() == [[3, 7, 0, 3]]
    assert settled(claimed, (3, 7), "area", {3}).tolist() == [[0, 7, 0, 3]]


def test_contested_pixels_can_be_undefined():
    claimed = claimed_of([1, 1, 0, 0], [1, 0, 1, 0], [0, 0, 0, 0])
    assert settled(claimed, (3, 7), "undefined").tolist() == [[255, 0, 3, 255]]


@pytest.mark.parametrize(("largest", "expected"), [(4.0, [0, 1, 1]), (-1.0, [0, 0, 0])])
def test_a_class_claims_above_a_fraction_of_its_maximum_unless_that_is_negative(largest, expected):
    maps = np.array([[[largest / 4, largest / 2, largest]]], np.float32)
    (background, above) = claims(maps, np.array([[0.0, 0.06, 1]], np.float32), 0.25, 0.06)
    assert above.tolist() == [[bool(value) for value in expected]]
    assert background.tolist() == [[True, False, False]]


def test_without_classes_only_the_background_claims():
    claimed = claims(np.zeros((0, 1, 2), np.float32), np.array([[0, 1]], np.float32), 0.25, 0.06)
    assert settled(claimed, (), "area").tolist() == [[0, 255]]


def test_initial_seeds_are_above_a_share_of_the_largest_score():
    values = np.array([[[0.06, 0.07, 0.2, 0]], [[0, 0.5, 0.4, 1]]], np.float32)
    seeds = initial_seeds(ClassScores((2, 5), values), 0.3)
    assert seeds.tolist() == [[255, 5, 2, 5]]


@pytest.mark.parametrize("classes", [(), (3,)])
def test_without_scores_there_are_no_seeds(classes):
    scores = ClassScores(classes, np.zeros((len(classes), 2, 2), np.float32))
    assert (initial_seeds(scores, 0.3) == 255).all()
