"""Error anatomy: each cause alone by hand, all against a loop, and that they add up."""

import numpy as np
import pytest

from wsss_harness.datasets.railscenes import compose
from wsss_harness.datasets.railscenes.cast import CLASSES
from wsss_harness.metrics import anatomy, confusion
from wsss_harness.metrics.anatomy import CAUSES

NAMES = ("background", "train", "boat")


def scene(height=40, width=60):
    """A train 20 wide in the middle; its rail is the strip below it."""
    truth = np.zeros((height, width), np.uint8)
    truth[10:30, 20:40] = 1
    rail = np.zeros((height, width), bool)
    rail[32:36] = True
    return truth, {"rail": rail}


def ignore(mask):
    mask[15:20, 25:30] = 255


def miss(mask):
    mask[10:30, 20:40] = 0


def displace(mask):
    mask[10:30, 20] = 0
    mask[10:30, 40] = 1


def run_along_the_rail(mask):
    mask[33:35] = 1


def confuse(mask):
    mask[14:26, 24:36] = 2


def extend(mask):
    mask[2:6, 50:58] = 1


def cover_a_part(mask):
    mask[14:26, 24:36] = 0


CASES = {
    "ignored": ignore,
    "missing": miss,
    "boundary": displace,
    "context": run_along_the_rail,
    "confusion": confuse,
    "extension": extend,
    "partial": cover_a_part,
}


def shares(truth, mask, context):
    read = anatomy.read(anatomy.count(truth, mask, 2, context), NAMES)
    return {cause: values["share"] for cause, values in read.items()}


@pytest.mark.parametrize("cause", CASES)
def test_each_cause_is_hit_alone(cause):
    truth, context = scene()
    mask = truth.copy()
    CASES[cause](mask)
    by_cause = shares(truth, mask, context)
    assert by_cause.pop(cause) == (truth != mask).mean()
    assert not any(by_cause.values())


def test_without_a_context_map_painted_background_is_extension():
    truth, _ = scene()
    mask = truth.copy()
    run_along_the_rail(mask)
    for context in ({}, {"rail": None}):
        by_cause = shares(truth, mask, context)
        assert by_cause["context"] == 0
        assert by_cause["extension"] == (truth != mask).mean()


def random_masks(seed):
    rng = np.random.default_rng(seed)
    truth, mask = rng.choice(np.array([0, 0, 1, 2, 255], np.uint8), (2, 5, 6))
    truth, mask = (np.kron(labels, np.ones((4, 4), np.uint8)) for labels in (truth, mask))
    return truth, mask, {"rail": rng.random(truth.shape) < 0.3, "water": None}


def cause_of(row, column, truth, mask, context):
    """The definition, pixel by pixel."""
    true, predicted = truth[row, column], mask[row, column]
    if predicted == 255:
        return "ignored"
    if predicted == 0 and not (mask[truth == true] == true).any():
        return "missing"
    reach = max(1.0, 0.0075 * np.hypot(*truth.shape))
    filled = anatomy.fill_ignored(truth, truth == 255)
    places = np.argwhere(filled == predicted)
    if len(places) and np.hypot(*(places - (row, column)).T).min() <= reach:
        return "boundary"
    if predicted and not true:
        return "context" if context["rail"][row, column] else "extension"
    return "confusion" if predicted else "partial"


@pytest.mark.parametrize("seed", range(3))
def test_causes_are_those_of_a_loop(seed):
    truth, mask, context = random_masks(seed)
    numbers = anatomy.causes(truth, mask, context)
    for row, column in np.ndindex(truth.shape):
        right = truth[row, column] in (255, mask[row, column])
        expected = 0 if right else 1 + CAUSES.index(cause_of(row, column, truth, mask, context))
        assert numbers[row, column] == expected


@pytest.mark.parametrize("seed", range(5))
def test_counts_add_up_to_the_confusion(seed):
    truth, mask, context = random_masks(seed)
    counts = anatomy.count(truth, mask, 2, context)
    expected = confusion.confusion(truth, mask, 2)
    assert (counts[anatomy.RIGHT] == np.diagonal(expected)).all()
    by_truth, by_mask = counts.sum(0)
    assert (by_truth == expected.sum(1)).all()
    assert (by_mask == expected[:, :-1].sum(0)).all()
    assert counts[1:, 0].sum() == (truth != mask)[truth != 255].sum()


def test_causes_of_scenes_add_up_to_all_wrong_pixels():
    for number in range(6):
        scene, other = compose.scene(0, number), compose.scene(0, number + 50)
        contexts = {str(value): scene.context == value for value in np.unique(scene.context)[1:]}
        counts = anatomy.count(scene.truth, other.truth, len(CLASSES), contexts)
        wrong = (scene.truth != other.truth) & (scene.truth != 255)
        assert counts[1:, 0].sum() == wrong.sum() > 0


@pytest.mark.parametrize("cause", CASES)
def test_gain_is_that_of_mended_masks(cause):
    truth, mask, context = random_masks(7)
    counts = anatomy.count(truth, mask, 2, context)
    mended = np.where(anatomy.causes(truth, mask, context) == 1 + CAUSES.index(cause), truth, mask)
    before, after = (
        confusion.read(confusion.confusion(truth, m, 2), NAMES)["miou"] for m in (mask, mended)
    )
    read = anatomy.read(counts, NAMES)
    assert read[cause]["gain"] == pytest.approx(after - before, abs=1e-12)


def test_nothing_counted_has_no_shares():
    nothing = np.full((4, 4), 255, np.uint8)
    read = anatomy.read(anatomy.count(nothing, nothing, 2, {}), NAMES)
    assert {values["share"] for values in read.values()} == {None}
    assert {values["gain"] for values in read.values()} == {0}


def test_all_wrong_pixels_mended_give_one():
    truth, mask, context = random_masks(1)
    counts = anatomy.count(truth, mask, 2, context)
    whole = anatomy.mended(counts, slice(1, None))
    assert (anatomy._iou(whole) == 1).all()
