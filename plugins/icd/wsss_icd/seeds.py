"""From raw maps to seeds: sure pixels of classes and of the background, all others left open.

js-fan/ICD: run_icd.py. Maps are (K, H, W) at the size of the image, of the K present classes.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from wsss_harness import ClassScores

EPSILON = 1e-5
UNSURE = 0.05  # the score of every class where an object is, but no class is more likely

Maps = NDArray[np.float32]
Choice = tuple[NDArray[np.int64], NDArray[np.bool_]]  # (H, W): the class's place; what is open


def seed_scores(classes: Sequence[int], logits: Maps, cam: Maps) -> ClassScores:
    """Scores 1 for the class of a seed, a background of 1 for its seeds, and 0 elsewhere.

    ``logits``: of the top-down branch, positive on objects. Pixels where only some are negative and
    none is positive are neither object nor background. Where an object lies but no class has more
    of the class maps ``cam`` than another, each class scores UNSURE.
    """
    if not len(classes):
        return ClassScores((), logits, np.ones(logits.shape[1:], np.float32))
    ends = scaled_by_end(logits, 1)
    foreground = ends > EPSILON
    place, unsure = chosen(foreground, shared_range(cam.clip(0)) * ends)
    values = (np.arange(len(classes))[:, None, None] == place) & foreground.any(0)
    scores = np.where(unsure, np.float32(UNSURE), values.astype(np.float32))
    background: NDArray[np.bool_] = np.all(scaled_by_end(logits, -1) > EPSILON, axis=0)
    return ClassScores(tuple(classes), scores, background.astype(np.float32))


def scaled_by_end(logits: Maps, sign: int) -> Maps:
    """The positive (``sign`` 1) or negative (-1) part of each map, divided by its largest value."""
    part = (sign * logits).clip(0)
    scaled: Maps = part / np.maximum(part.max((1, 2), keepdims=True), np.float32(EPSILON))
    return scaled


def shared_range(maps: Maps) -> Maps:
    """Maps stretched to [0, 1] by the extremes over all classes and pixels together."""
    above = maps - maps.min()
    stretched: Maps = above / np.maximum(above.max(), np.float32(EPSILON))
    return stretched


def chosen(foreground: NDArray[np.bool_], evidence: Maps) -> Choice:
    """The only class that claims a pixel, or of several claims the one with most ``evidence``.

    With two or more present classes, a claimed pixel is open if evidence does not tell them apart.
    """
    claims = foreground.sum(0)
    place = np.where(claims > 1, evidence.argmax(0), foreground.argmax(0))
    flat = np.ptp(evidence, axis=0) <= EPSILON
    return place, flat & (claims > 0) & (len(foreground) > 1)
