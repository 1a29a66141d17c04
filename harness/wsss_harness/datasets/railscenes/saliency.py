"""A simulated off-the-shelf saliency detector."""

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from wsss_harness.contract.types import Map, Mask
from wsss_harness.datasets.railscenes.canvas import Item
from wsss_harness.datasets.railscenes.noise import FloatMap, patch

# How often the detector fails, and how; together these set its quality on the whole dataset.
MISSES_FIRST = 0.10  # misses the largest figure
MISSES_OTHER = 0.40  # misses another figure
SEES_PART = 0.13  # sees only a part of an item
TAKES_DISTRACTOR = 0.35  # takes a distractor for a figure
TAKES_CONTEXT = 0.19  # takes the context of the largest figure for a part of it
NOTICED = 0.02  # smaller distractors, as a share of the picture, go unnoticed


def detect(rng: Generator, items: list[Item], owner: NDArray[np.uint8], context: Mask) -> Map:
    """The detector's map, (H, W) in [0, 1].

    ``owner``, from compose.owners, numbers the visible ``items`` from 1; ``context`` holds context
    indices, 0 for none.
    """
    areas = np.bincount(owner.ravel(), minlength=len(items) + 1)[1:]
    figures = [k for k, item in enumerate(items) if item.number and areas[k]]
    first = max(figures, key=lambda k: areas[k], default=-1)
    seen = np.zeros(owner.shape, np.float32)
    for k, item in enumerate(items):
        if k in figures or areas[k] > NOTICED * owner.size:
            seen = np.maximum(seen, _response(rng, owner == k + 1, _missed(item, k == first)))
    if first >= 0 and rng.random() < TAKES_CONTEXT:
        seen = np.maximum(seen, _surroundings(rng, owner == first + 1, context))
    return _soften(rng, seen)


def _response(rng: Generator, visible: NDArray[np.bool_], missed: float) -> FloatMap:
    """How strongly one item shows, (H, W); faintly with the probability ``missed``."""
    chance, strength = rng.random(), rng.uniform(0.58, 1.0)
    if chance < missed:
        strength = 0.12 * float(chance / missed)
    response = visible.astype(np.float32) * np.float32(strength)
    if rng.random() < SEES_PART:
        response *= _part(rng, visible.shape)
    return response


def _missed(item: Item, first: bool) -> float:
    if item.number:
        return MISSES_FIRST if first else MISSES_OTHER
    return 1 - (TAKES_CONTEXT if item.context else TAKES_DISTRACTOR)


def _part(rng: Generator, shape: tuple[int, ...]) -> FloatMap:
    """A smooth mask that keeps about two thirds of the pixels."""
    noise = cv2.resize(
        rng.standard_normal((3, 4), np.float32), (shape[1], shape[0]), interpolation=cv2.INTER_CUBIC
    )
    return np.asarray(np.clip((noise + 0.45) * 4, 0.05, 1), np.float32)


def _surroundings(rng: Generator, figure: NDArray[np.bool_], context: Mask) -> FloatMap:
    """The part near ``figure`` of the context that it touches most."""
    height, width = figure.shape
    near = cv2.dilate(figure.astype(np.uint8), np.ones((height // 16, width // 16), np.uint8))
    touched = np.bincount(context[near > 0], minlength=9)
    touched[[0, 3]] = 0
    if not touched.any():
        return np.zeros(figure.shape, np.float32)
    area = (context == int(touched.argmax())).astype(np.float32)
    reach = rng.uniform(0.08, 0.25) * height
    around = cv2.GaussianBlur(figure.astype(np.float32), (0, 0), reach)
    return np.asarray(area * np.clip(around * 5, 0, rng.uniform(0.6, 1)), np.float32)


def _soften(rng: Generator, seen: FloatMap) -> Map:
    """A detector's resolution and uncertainty: blurred, wobbling borders, faint clutter."""
    height, width = seen.shape
    sigma = rng.uniform(0.010, 0.026) * height
    soft = cv2.GaussianBlur(seen, (0, 0), sigma)
    wobble = patch("soft", rng, (height, width), 2 * height)
    soft = soft + np.float32(rng.uniform(0.02, 0.10)) * wobble * (0.25 + soft)
    steep = rng.uniform(5, 12)
    curve = 1 / (1 + np.exp(-steep * (soft - 0.45)))
    low = 1 / (1 + np.exp(steep * 0.45))
    curve = np.clip((curve - low) / (1 - low), 0, 1)
    blurred = cv2.GaussianBlur(curve.astype(np.float32), (0, 0), 0.01 * height)
    return np.asarray(np.clip(blurred, 0, 1), np.float32)
