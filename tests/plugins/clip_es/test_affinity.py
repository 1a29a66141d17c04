"""Affinity and boxes of CLIP-ES against the released numbers and naive loops."""

import numpy as np
import pytest
import torch
from golden_files import close, golden

from wsss_clip_es.affinity import THRESHOLD, box_mask, boxes_of, spread, symmetric_affinity
from wsss_clip_es.maps import stretched


def numbers(name):
    return golden("clip_es.npz")[name]


IMAGES = ["img0", "img1", "img2"]
MAPS = range(7)


def ordered(boxes):
    return sorted(map(tuple, np.asarray(boxes).tolist()))


@pytest.mark.parametrize("number", MAPS)
def test_boxes_and_masks_are_the_released_ones(number):
    scores = numbers("box_scoremaps")[number]
    boxes = boxes_of(scores, THRESHOLD)
    assert ordered(boxes) == ordered(numbers(f"box{number}"))
    assert np.array_equal(box_mask(boxes, scores.shape), numbers(f"box{number}_mask") > 0)
    largest = boxes_of(scores, THRESHOLD, largest=True)
    assert ordered(largest) == ordered(numbers(f"box{number}_single"))


@pytest.mark.parametrize("image", IMAGES)
def test_boxes_of_class_maps_are_the_released_ones(image):
    expected = numbers(f"{image}_boxes_class_x0y0x1y1")
    for number, scores in enumerate(numbers(f"{image}_cam")):
        boxes = boxes_of(scores, THRESHOLD)
        assert ordered(boxes) == ordered(expected[expected[:, 0] == number, 1:])
        mask = box_mask(boxes, scores.shape)
        assert np.array_equal(mask, numbers(f"{image}_box_mask")[number] > 0)


def test_whole_boxes_include_the_last_row_and_column():
    scores = np.zeros((4, 5), np.float32)
    scores[3, 4] = 1
    boxes = boxes_of(scores, THRESHOLD)
    assert not box_mask(boxes, scores.shape).any()
    assert np.array_equal(box_mask(boxes, scores.shape, whole=True), scores > 0)


@pytest.mark.parametrize("image", ["img1"])
def test_affinity_is_the_released_one(image):
    attention = [torch.from_numpy(w) for w in numbers(f"{image}_attention_blocks")]
    assert close(symmetric_affinity(attention), numbers(f"{image}_affinity_symmetrised"), 1e-4)


@pytest.mark.parametrize("image", IMAGES)
def test_spread_maps_are_the_released_ones(image):
    affinity = torch.from_numpy(numbers(f"{image}_affinity_symmetrised"))
    maps, masks = numbers(f"{image}_cam"), numbers(f"{image}_box_mask")
    refined = [
        spread(affinity, torch.from_numpy(scores), torch.from_numpy(mask).float())
        for scores, mask in zip(maps, masks, strict=True)
    ]
    assert close(torch.stack(refined), numbers(f"{image}_refined"), 1e-3)


@pytest.mark.parametrize("image", IMAGES)
def test_maps_are_stretched_twice_as_released(image):
    raw = torch.from_numpy(numbers(f"{image}_gradcam_before_scaling"))
    assert close(stretched(stretched(raw)), numbers(f"{image}_cam"), 1e-3)


def test_affinity_equals_a_naive_loop():
    rng = np.random.default_rng(0)
    attention = rng.random((9, 4, 4))
    table = attention[-8:, 1:, 1:].mean(0)
    for _ in range(3):
        for column in range(3):
            table[:, column] /= sum(table[:, column])
        for row in range(3):
            table[row] /= sum(table[row])
    actual = symmetric_affinity(list(torch.from_numpy(attention)))
    assert np.abs(actual.numpy() - (table + table.T) / 2).max() < 1e-12
