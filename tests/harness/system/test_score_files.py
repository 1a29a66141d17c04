"""Scores on disk: exact at the thresholds, deterministic, and damage is named."""

import struct
import zlib

import numpy as np
import pytest

from wsss_harness.contract.errors import DataError
from wsss_harness.contract.types import ClassScores
from wsss_harness.metrics.curve import THRESHOLDS
from wsss_harness.system.score_files import HEAD, MAGIC, parse, read_scores, write_scores


def random_scores(seed=0, background=False):
    rng = np.random.default_rng(seed)
    values = rng.random((2, 21, 17)).astype(np.float32)
    return ClassScores((3, 7), values, values[0] / 2 if background else None)


def round_trip(folder, scores):
    write_scores(folder / "one.scores", scores)
    return read_scores(folder / "one.scores")


def test_all_comparisons_with_all_thresholds_survive(tmp_path):
    """At the thresholds, at their float32 neighbours, between them, and at 0 and 1."""
    exact = THRESHOLDS.astype(np.float32)
    around = [exact, np.nextafter(exact, np.float32(-1)), np.nextafter(exact, np.float32(2))]
    values = np.concatenate([*around, exact + np.float32(0.005), random_scores().values.ravel()])
    values = np.clip(values, 0, 1).reshape(1, 1, -1)
    back = round_trip(tmp_path, ClassScores((1,), values)).values
    assert back.dtype == np.float32
    for threshold in exact:
        np.testing.assert_array_equal(back > threshold, values > threshold)


def test_values_move_by_a_quarter_of_a_hundredth_or_where_classes_are_close_by_three(tmp_path):
    scores = random_scores()
    moved = np.abs(round_trip(tmp_path, scores).values - scores.values)
    close = np.abs(scores.values[0] - scores.values[1]) < 0.005
    assert moved[:, ~close].max() <= 0.0025 + 1e-6
    assert moved.max() <= 0.0075 + 1e-6


def test_the_largest_class_stays_the_largest_and_comparisons_survive(tmp_path):
    """Three maps on a grid ten times finer than what is stored: most pixels are near ties."""
    rng = np.random.default_rng(4)
    near = rng.integers(0, 2001, (1, 60, 70)) + rng.integers(-8, 9, (3, 60, 70))
    values = (np.clip(near, 0, 2000) / 2000).astype(np.float32)
    back = round_trip(tmp_path, ClassScores((1, 2, 3), values)).values
    np.testing.assert_array_equal(back.argmax(0), values.argmax(0))
    for threshold in THRESHOLDS.astype(np.float32):
        np.testing.assert_array_equal(back > threshold, values > threshold)


def test_zero_and_one_are_exact(tmp_path):
    values = np.array([[[0, 1], [1, 0]]], np.float32)
    np.testing.assert_array_equal(round_trip(tmp_path, ClassScores((1,), values)).values, values)


def test_a_second_round_trip_changes_nothing(tmp_path):
    once = round_trip(tmp_path, random_scores())
    np.testing.assert_array_equal(round_trip(tmp_path, once).values, once.values)


def test_classes_and_background_come_back(tmp_path):
    scores = random_scores(background=True)
    back = round_trip(tmp_path, scores)
    assert back.classes == scores.classes
    assert back.values.shape == scores.values.shape
    np.testing.assert_allclose(back.background, scores.background, atol=0.0026)
    assert round_trip(tmp_path, random_scores()).background is None


@pytest.mark.parametrize("background", [None, np.full((4, 6), 0.5, np.float32)])
def test_an_image_without_classes(tmp_path, background):
    nothing = ClassScores((), np.zeros((0, 4, 6), np.float32), background)
    back = round_trip(tmp_path, nothing)
    assert (back.classes, back.size) == ((), (4, 6))
    assert (back.background is None) == (background is None)


def test_equal_scores_give_equal_bytes(tmp_path):
    for name in ("a", "b"):
        write_scores(tmp_path / name, random_scores(background=True))
    write_scores(tmp_path / "other", random_scores(seed=1, background=True))
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    assert (tmp_path / "a").read_bytes() != (tmp_path / "other").read_bytes()


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(DataError, match=r"absent\.scores is missing"):
        read_scores(tmp_path / "absent.scores")


def test_a_file_cut_anywhere_is_named(tmp_path):
    path = tmp_path / "one.scores"
    write_scores(path, random_scores())
    content = path.read_bytes()
    for length in [*range(80), len(content) // 2, len(content) - 1]:
        path.write_bytes(content[:length])
        with pytest.raises(DataError, match=r"one\.scores is damaged .*delete it"):
            read_scores(path)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"WSSS1", b"WSSS2"),
        (b'"classes": [3, 7]', b'"classes": [3, 8]'),
        (b'"classes": [3, 7]', b'"classes": [7, 3]'),
        (b'"classes": [3, 7]', b'"classes": [3,11'),
        (b'"shape": [2', b'"shape": [3'),
        (b'"shape"', b'"sharp"'),
        (b'"background": false', b'"background": true '),
    ],
)
def test_a_damaged_header_is_named(tmp_path, old, new):
    path = tmp_path / "one.scores"
    write_scores(path, random_scores())
    content = path.read_bytes()
    assert old in content
    path.write_bytes(content.replace(old, new))
    with pytest.raises(DataError, match=r"one\.scores is damaged"):
        read_scores(path)


def test_damaged_pixels_are_named(tmp_path):
    path = tmp_path / "one.scores"
    write_scores(path, random_scores())
    content = bytearray(path.read_bytes())
    content[-40] ^= 0xFF
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"one\.scores is damaged"):
        read_scores(path)


def test_scores_that_promise_more_than_their_image_are_not_unpacked(tmp_path):
    write_scores(tmp_path / "one.scores", ClassScores((1,), np.zeros((1, 24, 32), np.float32)))
    content = (tmp_path / "one.scores").read_bytes()
    assert parse(content, "it", (3, 24, 32)).size == (24, 32)
    for largest in ((0, 24, 32), (3, 24, 31)):
        with pytest.raises(DataError, match=r"it cannot be read .*expected at most"):
            parse(content, "it", largest)
    header = struct.unpack_from("<I", content, len(MAGIC))[0]
    start = len(MAGIC) + HEAD.size + header
    bomb = content[:start] + zlib.compress(bytes(50_000_000))
    with pytest.raises(DataError, match="not what its header says"):
        parse(bomb, "it", (3, 24, 32))
