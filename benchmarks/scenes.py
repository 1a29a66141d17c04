"""Generated truth and class scores that resemble those of photographs, for benchmarks."""

import cv2
import numpy as np

from wsss_harness.contract.types import IGNORE, ClassScores

STRIDE = 8
SCALES = (1.0, 0.5, 1.5, 2.0)


def scene(rng, size=(375, 500), classes=20, objects=2):
    """Truth with a border of 255, and scores as a network makes them, of one image.

    Each object is an ellipse of a class of its own.
    """
    present = sorted(int(c) for c in rng.choice(np.arange(1, classes + 1), objects, replace=False))
    truth = np.zeros(size, np.uint8)
    for index in present:
        cv2.ellipse(truth, *ellipse(rng, size), index, -1)
    values = np.stack([score_map(rng, truth == index) for index in present])
    return border(truth), ClassScores(tuple(present), values)


def ellipse(rng, size):
    """Centre, half axes, rotation, start and end angle, in the order of OpenCV."""
    height, width = size
    centre = int(width * rng.uniform(0.2, 0.8)), int(height * rng.uniform(0.2, 0.8))
    axes = int(width * rng.uniform(0.1, 0.3)), int(height * rng.uniform(0.1, 0.35))
    return centre, axes, rng.uniform(0, 180), 0, 360


def border(truth):
    """``truth`` with 255 along its edges."""
    edge = cv2.morphologyEx(truth, cv2.MORPH_GRADIENT, np.ones((5, 5), np.uint8)) > 0
    return np.where(edge, np.uint8(IGNORE), truth)


def score_map(rng, inside):
    """Evidence on the grids of several scales, upsampled, summed, divided by its maximum.

    It is strong in parts of the object and weak in parts of the background.
    """
    size = inside.shape[::-1]
    strength = np.where(inside, patches(rng, size), 0.4 * patches(rng, size))
    total = np.zeros(inside.shape, np.float32)
    for scale in (*SCALES, *SCALES):
        grid = tuple(max(2, int(np.ceil(side * scale / STRIDE))) for side in size)
        evidence = cv2.resize(strength, grid, interpolation=cv2.INTER_AREA)
        evidence += rng.normal(0, 0.15, evidence.shape).astype(np.float32)
        smooth = cv2.GaussianBlur(evidence, (0, 0), 1.0)
        total += cv2.resize(np.maximum(smooth, 0), size, interpolation=cv2.INTER_LINEAR)
    return total / (total.max() + np.float32(1e-5))


def patches(rng, size):
    """Smooth values in [0, 1], of ``size`` (width, height)."""
    return cv2.resize(rng.random((4, 5), np.float32), size, interpolation=cv2.INTER_LINEAR)
