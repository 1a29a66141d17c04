"""The curve over thresholds equals scoring each threshold by itself, to the last count."""

import numpy as np
import pytest
from golden_files import golden

from wsss_harness.contract.errors import DataError
from wsss_harness.contract.types import ClassScores, Sample
from wsss_harness.metrics import curve
from wsss_harness.metrics.confusion import confusion, iou, mean
from wsss_harness.metrics.curve import THRESHOLDS, Entries, confusions, entries
from wsss_harness.stages.background_rules import Constant, to_mask

CLASSES = 5
NOBODY = Sample("one", {}.__getitem__)


def image(seed, present=(1, 4)):
    """Truth and scores; a third of the scores equals a threshold exactly, in float32."""
    rng = np.random.default_rng(seed)
    size = (11, 14)
    values = rng.random((len(present), *size)).astype(np.float32)
    exact = rng.choice(THRESHOLDS.astype(np.float32), values.shape)
    values = np.where(rng.random(values.shape) < 1 / 3, exact, values)
    truth = rng.choice(np.array([0, 0, 1, 3, 4, 255], np.uint8), size)
    return truth, ClassScores(present, values)


def images():
    return [image(seed, present) for seed, present in enumerate([(1, 4), (3,), (), (1, 3, 5)])]


def counted(pairs, classes=CLASSES, thresholds=THRESHOLDS):
    tables = [entries(*pair, classes, n, thresholds) for n, pair in enumerate(pairs)]
    return Entries(lambda: tables, classes, thresholds)


def one_by_one(pairs, classes=CLASSES, thresholds=THRESHOLDS):
    return np.stack(
        [
            sum(
                confusion(t, to_mask(s, Constant(threshold=float(at)), NOBODY), classes)
                for t, s in pairs
            )
            for at in thresholds
        ]
    )


def test_equal_to_scoring_each_threshold():
    np.testing.assert_array_equal(confusions(counted(images())), one_by_one(images()))


def test_equal_for_each_image():
    everything = counted(images())
    for number, pair in enumerate(images()):
        np.testing.assert_array_equal(confusions(everything.of([number])), one_by_one([pair]))


def test_equal_for_other_thresholds():
    few = np.array([0.1, 0.25, 1 / 3, 0.9])
    actual = confusions(counted(images(), thresholds=few))
    np.testing.assert_array_equal(actual, one_by_one(images(), thresholds=few))


def test_parts_add_up_to_the_whole():
    everything = counted(images())
    parts = confusions(everything.of([0, 3])) + confusions(everything.of([1, 2]))
    np.testing.assert_array_equal(parts, confusions(everything))
    assert not confusions(everything.of([])).any()


def test_by_hand():
    """The score 0.5 is background from the threshold 0.5 on; the last pixel is not counted."""
    scores = ClassScores((2,), np.array([[[0.5, 0.9, 0.9]]], np.float32))
    table = entries(np.array([[2, 0, 255]], np.uint8), scores, 2, 7, np.array([0.2, 0.5, 0.7]))
    assert sorted(table.tolist()) == [[7, 0, 2, 3, 1], [7, 2, 2, 1, 1]]


def test_ties_go_to_the_first_class():
    scores = ClassScores((2, 3), np.full((2, 1, 1), 0.5, np.float32))
    assert entries(np.array([[3]], np.uint8), scores, 3)[0].tolist() == [0, 3, 2, 50, 1]


def test_perfect_scores_are_perfect_at_every_threshold_but_one():
    truth = np.array([[0, 1], [2, 255]], np.uint8)
    perfect = np.stack([truth == 1, truth == 2]).astype(np.float32)
    values = curve.miou(counted([(truth, ClassScores((1, 2), perfect))], 2))
    assert (values[:-1] == 1).all()
    assert values[-1] == pytest.approx(1 / 9)
    assert curve.best(counted([(truth, ClassScores((1, 2), perfect))], 2)) == 0


def test_the_best_threshold_is_the_lowest_of_equals():
    scores = ClassScores((1,), np.array([[[0.305, 0.605]]], np.float32))
    assert curve.best(counted([(np.array([[0, 1]], np.uint8), scores)], 1)) == 0.31


def test_an_image_of_255_counts_nothing():
    _, scores = image(0)
    table = entries(np.full(scores.size, 255, np.uint8), scores, CLASSES)
    assert table.shape == (0, 5)


@pytest.mark.parametrize(("where", "present"), [("truth", (1, 2)), ("scores", (1, 4))])
def test_classes_beyond_the_last_are_named(where, present):
    truth, scores = image(0, present)
    truth[truth == 3] = 2
    if where == "scores":
        truth[truth == 4] = 2
    with pytest.raises(DataError, match=f"the {where} holds the value 4"):
        entries(truth, scores, 3)


def test_written_and_read_in_blocks(tmp_path, monkeypatch):
    monkeypatch.setattr(curve, "IMAGES", 3)
    everything = counted(images())
    for name in ("a.npz", "b.npz"):
        curve.write(tmp_path / name, iter(everything.blocks()), CLASSES)
    back = curve.read(tmp_path / "a.npz")
    assert len(list(back.blocks())) == 2
    for actual, expected in ((back, everything), (back.of([1, 3]), everything.of([1, 3]))):
        np.testing.assert_array_equal(confusions(actual), confusions(expected))
    np.testing.assert_array_equal(back.thresholds, THRESHOLDS)
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()


def golden_curve():
    arrays = golden("eval_curve.npz")
    pairs = []
    for i in range(int(arrays["n_images"])):
        order = np.argsort(arrays[f"img{i}_keys"])
        present = tuple(int(key) + 1 for key in arrays[f"img{i}_keys"][order])
        pairs.append((arrays[f"img{i}_gt"], ClassScores(present, arrays[f"img{i}_cam"][order])))
    return arrays, counted(pairs, len(arrays["categories"]) - 1, arrays["thresholds"])


@pytest.mark.golden
def test_the_released_curve():
    """There an absent class counts as zero, and ratios are in per cent."""
    arrays, released = golden_curve()
    ratios = iou(confusions(released))
    values = mean(ratios, "zero")
    best = int(values.argmax())
    assert best == arrays["best_index"]
    for ours, name in (
        (np.nan_to_num(ratios), "curve_class_IoU"),
        (values, "curve_mIoU"),
        (values[best], "best_mIoU"),
        (np.nan_to_num(ratios[best]), "best_class_IoU"),
    ):
        np.testing.assert_allclose(100 * ours, arrays[name], rtol=0, atol=1e-9, err_msg=name)
