"""Augmentation of segmentors: one geometry for image and mask, colours for the image alone."""

import numpy as np
import pytest

from wsss_harness.networks.segmentors.augment import SegmentorAugmentation, padded, resized, shifted

IMAGE = np.random.default_rng(0).integers(0, 256, (20, 30, 3), dtype=np.uint8)


MASK = np.random.default_rng(1).integers(0, 4, (20, 30)).astype(np.uint8)


def test_a_crop_holds_the_same_window_of_image_and_mask():
    augment = SegmentorAugmentation(crop=16, scales=(1.0,), flip=0.5, colour=(1, 2, 3))
    pairs = np.dstack([IMAGE, MASK])
    windows = {
        pairs[top : top + 16, left : left + 16][:, ::step].tobytes(): (top, left, step)
        for top in range(5)
        for left in range(15)
        for step in (1, -1)
    }
    drawn = set()
    for seed in range(300):
        image, mask = augment(IMAGE, MASK, np.random.default_rng(seed))
        drawn.add(windows[np.dstack([image, mask]).tobytes()])
    assert {step for *_, step in drawn} == {1, -1}
    assert len(drawn) > 100


def test_scales_may_lie_between_two():
    augment = SegmentorAugmentation(16, (0.5, 1.5), 0.0, (1, 2, 3), between=True)
    drawn = [augment.scale(np.random.default_rng(seed)) for seed in range(200)]
    assert 0.5 < min(drawn) < 0.55
    assert 1.45 < max(drawn) < 1.5


def test_colours_move_around_the_circle_of_hues():
    red, grey = [200, 0, 0], [90, 90, 90]
    image = np.array([[red, grey]], np.uint8)
    turned = shifted(image, np.array([60, 0, 0]))  # of 180
    assert turned.tolist() == [[[0, 200, 0], grey]]
    assert shifted(turned, np.array([120, 0, 0])).tolist() == image.tolist()
    assert shifted(image, np.array([0, 0, 10])).tolist() == [[[210, 0, 0], [100, 100, 100]]]
    assert shifted(image, np.array([0, 0, -255])).max() == 0
    assert shifted(image, np.array([0, -255, 0])).tolist() == [[[200, 200, 200], grey]]


def test_colours_are_drawn_for_the_image_alone():
    moved = SegmentorAugmentation(16, (1.0,), 0.0, (1, 2, 3), hsv=10)
    images = [moved(IMAGE, MASK, np.random.default_rng(seed))[0] for seed in range(3)]
    assert len({image.tobytes() for image in images}) == 3
    mask = moved(IMAGE, MASK, np.random.default_rng(0))[1]
    assert set(np.unique(mask)) <= set(np.unique(MASK))


def test_small_images_are_filled_up():
    image, mask = padded(IMAGE, MASK, 24, (1, 2, 3))
    assert image.shape == (24, 30, 3)
    np.testing.assert_array_equal(image[:20], IMAGE)
    assert (image[20:] == (1, 2, 3)).all()
    assert (mask[20:] == 255).all()
    assert padded(IMAGE, MASK, 16, (1, 2, 3))[0] is IMAGE


def nearest(index, ratio):
    """The source pixel in which the centre of a pixel lies, or the two between which it lies."""
    place = (index + 0.5) * ratio
    return sorted({int(place - 1e-6), int(place + 1e-6)})


@pytest.mark.parametrize("scale", [0.5, 0.75, 1.5])
def test_masks_are_resized_to_their_nearest_pixels(scale):
    image, mask = resized(IMAGE, MASK, scale)
    height, width = round(20 * scale), round(30 * scale)
    assert image.shape == (height, width, 3)
    for y in range(height):
        for x in range(width):
            rows, columns = nearest(y, 20 / height), nearest(x, 30 / width)
            assert mask[y, x] in MASK[np.ix_(rows, columns)]
    whole = np.full((20, 30, 3), 77, np.uint8)
    assert (resized(whole, MASK, scale)[0] == 77).all()
