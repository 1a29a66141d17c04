"""Co-occurrence ratio and coverage of large objects: by hand, against loops, at their ends."""

import numpy as np
import pytest

from wsss_harness.metrics import METRICS, cooccurrence, large

NAMES = ("background", "train", "boat")
PAIRS = (("rail", "train"), ("water", "boat"), ("rail", "boat"))
TRUTH = np.array([[1, 1, 0], [0, 2, 0], [255, 0, 0]], np.uint8)
MASK = np.array([[1, 0, 2], [1, 2, 1], [1, 255, 1]], np.uint8)
RAIL = np.array([[1, 1, 1], [1, 0, 0], [1, 1, 1]], bool)
WATER = np.array([[0, 0, 1], [0, 0, 1], [0, 0, 0]], bool)


def ratios(truth, mask, context=None, pairs=PAIRS):
    context = {"rail": RAIL, "water": WATER} if context is None else context
    return cooccurrence.read(cooccurrence.count(truth, mask, 2, context), NAMES, pairs)


def random_image(seed):
    rng = np.random.default_rng(seed)
    truth, mask = rng.choice(np.array([0, 0, 1, 2, 255], np.uint8), (2, 12, 15))
    rail, water = rng.random((2, 12, 15)) < 0.3
    return truth, mask, {"rail": rail, "water": water}


def test_cooccurrence_by_hand():
    counts = cooccurrence.count(TRUTH, MASK, 2, {"rail": RAIL, "water": WATER})
    assert counts.tolist() == [[0, 1, 1], [1, 2, 1], [0, 1, 1]]
    assert cooccurrence.read(counts, NAMES, PAIRS) == {
        "rail>train": 2,
        "water>boat": 1,
        "rail>boat": 1,
        "pooled": 4 / 3,
    }


def test_cooccurrence_against_a_loop():
    truth, mask, context = random_image(0)
    actual = ratios(truth, mask, context)
    for place, name in PAIRS:
        c = NAMES.index(name)
        wrong = hits = 0
        for y, x in np.ndindex(truth.shape):
            if truth[y, x] != 255 and mask[y, x] == c:
                hits += truth[y, x] == c
                wrong += truth[y, x] != c and context[place][y, x]
        assert actual[f"{place}>{name}"] == pytest.approx(wrong / hits, abs=1e-12)


def test_counts_of_two_halves_add_up():
    truth, mask, context = random_image(1)
    for count in (m.count for name, m in METRICS.items() if name in ("confusion", "cooccurrence")):
        halves = [
            count(truth[rows], mask[rows], 2, {k: v[rows] for k, v in context.items()})
            for rows in (slice(5), slice(5, None))
        ]
        np.testing.assert_array_equal(sum(halves), count(truth, mask, 2, context))


def test_perfect_masks_mistake_no_context():
    clean = np.where(TRUTH == 255, 0, TRUTH)
    assert set(ratios(TRUTH, clean).values()) == {0}


def test_an_object_inside_its_context_is_no_mistake():
    everywhere = {"rail": np.ones((3, 3), bool), "water": np.ones((3, 3), bool)}
    assert ratios(TRUTH, np.where(TRUTH == 255, 0, TRUTH), everywhere)["rail>train"] == 0


def test_a_class_that_is_never_found_has_no_ratio():
    by_pair = ratios(TRUTH, np.where(MASK == 2, 0, MASK).astype(np.uint8))
    assert by_pair["water>boat"] is None
    assert by_pair["rail>train"] == 2


def test_without_contexts_there_is_nothing_to_say():
    assert ratios(TRUTH, MASK, {}, ()) == {"pooled": None}


def box(share, size=(20, 20), value=1):
    """A map whose first ``share`` of the rows is ``value``."""
    mask = np.zeros(size, np.uint8)
    mask[: round(share * size[0])] = value
    return mask


def coverage(*pairs):
    return large.read(sum(large.count(*pair, 2, {}) for pair in pairs), NAMES, ())


def test_coverage_by_hand():
    """Half of a large object found, and a fifth of what was said is wrong."""
    truth, mask = box(0.4), box(0.25)
    mask[:5, 16:] = 0
    mask[-1] = 1
    assert coverage((truth, mask)) == {"precision": 0.8, "recall": 0.5}


def test_small_objects_do_not_count():
    large_one, small = box(0.15), box(0.10, value=2)
    assert coverage((large_one, large_one), (small, box(0))) == {"precision": 1, "recall": 1}
    assert coverage((small, small)) == {"precision": None, "recall": None}


def test_the_background_is_no_object():
    assert large.count(box(0), box(0), 2, {}).sum() == 0


def test_pixels_of_255_do_not_count():
    truth, mask = box(0.5), box(0.5)
    truth[:5] = 255
    mask[9] = 255
    assert large.count(truth, mask, 2, {})[:, 1].tolist() == [80, 100, 80]


def test_coverage_is_the_mean_over_large_classes():
    other = box(0.5, value=2)
    covered = coverage((box(0.5), box(0.5)), (other, box(0.25, value=2)))
    assert covered == {"precision": 1, "recall": 0.75}


def test_a_large_object_that_is_never_named_has_recall_zero():
    assert coverage((box(0.5), box(0)))["recall"] == 0


@pytest.mark.parametrize("name", METRICS)
def test_every_metric_counts_in_integers_and_reads_plain_values(name):
    truth, mask, context = random_image(2)
    counts = METRICS[name].count(truth, mask, 2, context)
    assert counts.dtype == np.int64
    for value in METRICS[name].read(counts, NAMES, PAIRS).values():
        assert isinstance(value, float | dict)


def test_an_image_whose_context_nobody_drew_adds_nothing():
    counts = cooccurrence.count(TRUTH, MASK, 2, {"rail": None, "water": None})
    assert counts.shape == (3, 3)
    assert not counts.any()
