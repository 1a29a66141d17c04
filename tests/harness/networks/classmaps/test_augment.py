"""Augmentation: the released geometry, and dependence on the random generator alone."""

import numpy as np
import pytest
from fake_data import FakeDataset

from wsss_harness.networks.classmaps.augment import (
    Augmentation,
    augment,
    draw_jitter,
    draw_window,
    long_side,
    normalise,
)

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
DATA = FakeDataset()
IMAGE, SALIENCY = DATA.image("image_000"), DATA.saliency("image_000")


def settings(**changes):
    plain = {"crop": 40, "resize": (20, 60), "mean": MEAN, "std": STD}
    return Augmentation(**(plain | changes))


def still(**changes):
    """No jitter, no flip, the long side of the fake images."""
    return settings(**({"resize": (32, 32), "jitter": (0, 0, 0, 0), "flip": 0.0} | changes))


def rng(draw=0):
    return np.random.default_rng((5, draw))


def test_the_same_draw_gives_the_same_bytes():
    first, again = (augment(IMAGE, SALIENCY, settings(), rng(3)) for _ in range(2))
    other, _ = augment(IMAGE, SALIENCY, settings(), rng(4))
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    assert not np.array_equal(first[0], other)


def test_global_random_state_plays_no_part():
    before = np.random.get_state()[1].copy()  # noqa: NPY002 -- the legacy state is what is checked
    augment(IMAGE, SALIENCY, settings(), rng())
    assert np.array_equal(before, np.random.get_state()[1])  # noqa: NPY002


def test_the_image_is_the_same_without_saliency():
    alone, nothing = augment(IMAGE, None, settings(), rng(1))
    assert nothing is None
    assert np.array_equal(alone, augment(IMAGE, SALIENCY, settings(), rng(1))[0])


@pytest.mark.parametrize("draw", range(20))
def test_shapes_types_and_ranges(draw):
    image, saliency = augment(IMAGE, SALIENCY, settings(), rng(draw))
    assert (image.shape, image.dtype) == ((3, 40, 40), np.float32)
    assert (saliency.shape, saliency.dtype) == ((1, 40, 40), np.float32)
    assert saliency.min() >= 0
    assert saliency.max() <= 1


def test_a_crop_as_large_as_the_image_is_the_normalised_image():
    square = IMAGE[:, :24]
    actual, _ = augment(square, None, still(crop=24, resize=(24, 24)), rng())
    expected = (square / 255 - np.array(MEAN)) / np.array(STD)
    assert np.allclose(actual, expected.transpose(2, 0, 1), atol=1e-6)


def test_normalising_agrees_with_a_loop():
    actual = normalise(IMAGE[:3, :2], MEAN, STD)
    for y, x, k in np.ndindex(3, 2, 3):
        expected = (int(IMAGE[y, x, k]) / 255 - MEAN[k]) / STD[k]
        assert actual[k, y, x] == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize(("padding", "levels"), [("mean", MEAN), ("black", (0, 0, 0))])
def test_padding_is_the_mean_colour_or_black(padding, levels):
    actual, saliency = augment(IMAGE, np.ones_like(SALIENCY), still(padding=padding), rng())
    out = saliency[0] == 0
    assert out.sum() == 40 * 40 - IMAGE[..., 0].size
    for k in range(3):
        assert np.allclose(actual[k][out], (levels[k] - MEAN[k]) / STD[k], atol=1e-6)


def test_mirroring_turns_image_and_saliency_alike():
    plain = augment(IMAGE, SALIENCY, still(crop=32), rng(2))
    mirrored = augment(IMAGE, SALIENCY, still(crop=32, flip=1.0), rng(2))
    for a, b in zip(plain, mirrored, strict=True):
        assert np.array_equal(a, b[..., ::-1])


def test_saliency_stays_aligned_with_the_object():
    red = DATA.image("image_001")  # a red square alone
    for draw in range(10):
        image, saliency = augment(
            red, DATA.saliency("image_001"), settings(jitter=(0, 0, 0, 0)), rng(draw)
        )
        redness = image[0] - image[1]
        assert redness[saliency[0] > 0.8].mean() > 2 > redness[saliency[0] < 0.2].mean()


def test_saliency_is_resized_without_overshoot():
    edge = np.zeros((24, 32), np.float32)
    edge[:, 16:] = 1
    _, saliency = augment(IMAGE, edge, still(crop=64, resize=(64, 64)), rng())
    assert saliency.max() == 1
    assert saliency.min() == 0


def test_long_side_by_hand():
    assert long_side((500, 375), 256) == (256, 192)
    assert long_side((375, 500), 256) == (192, 256)
    assert long_side((61, 83), 41) == (30, 41)
    assert long_side((10, 10), 7) == (7, 7)


def test_windows_cover_exactly_all_positions():
    cropped = [draw_window(5, 3, rng(i)) for i in range(100)]
    padded = [draw_window(3, 5, rng(i)) for i in range(100)]
    assert {(s.start, t.start) for s, t in cropped} == {(i, 0) for i in range(3)}
    assert {(s.start, t.start) for s, t in padded} == {(0, i) for i in range(3)}
    assert {w.stop - w.start for window in (*cropped, *padded) for w in window} == {3}


def test_every_length_between_the_bounds_is_drawn():
    ones = np.ones((24, 32), np.float32)
    widths = {
        int((augment(IMAGE, ones, still(resize=(30, 33)), rng(i))[1][0].sum(1) > 0).sum())
        for i in range(40)
    }
    assert widths == {round(24 * length / 32) for length in (30, 31, 32, 33)}


def test_jitter_factors_stay_within_their_strength():
    for draw in range(50):
        changes = dict(draw_jitter((0.3, 0.2, 0.1, 0.05), rng(draw)))
        assert set(changes) == {0, 1, 2, 3}
        for kind, (centre, strength) in enumerate([(1, 0.3), (1, 0.2), (1, 0.1), (0, 0.05)]):
            assert abs(changes[kind] - centre) <= strength
    assert draw_jitter((0, 0, 0, 0), rng()) == []
