"""Seeds that the network starts from, and the seeds that it ends with."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from wsss_harness import BACKGROUND, IGNORE, Mask

if TYPE_CHECKING:
    from wsss_harness import ClassScores, Map

Claims = NDArray[np.bool_]  # (K + 1, h, w): the background, then K classes
Conflicts = Literal["area", "undefined"]


def initial_seeds(scores: ClassScores, threshold: float) -> Mask:
    """(H, W): the class whose score is above ``threshold`` of its largest one; 255 without one.

    Where several are, it is the class with the largest share of its largest score. The released
    seeds are files; as far as known they come from CAM in this way.
    """
    if not scores.classes:
        return np.full(scores.size, IGNORE, np.uint8)
    largest = scores.values.max((1, 2), keepdims=True)
    shares = np.divide(scores.values, largest, where=largest > 0, out=np.zeros_like(scores.values))
    best = np.array(scores.classes, np.uint8)[shares.argmax(0)]
    return np.where(shares.max(0) > np.float32(threshold), best, np.uint8(IGNORE))


def claims(maps: NDArray[np.float32], saliency: Map, fraction: float, salient: float) -> Claims:
    """What the background and each class claim of a grid; ``maps`` (K, h, w), ``saliency`` (h, w).

    A class claims pixels above ``fraction`` of its largest value, none if that is negative or 0;
    the background those less salient than ``salient``. yaoqi-zd/SGAN: tools/stage2/infer_cam.py.
    """
    above = maps > fraction * maps.max((1, 2), keepdims=True, initial=-np.inf)
    background = saliency < salient
    return np.concatenate((background[None], above))


def settled(
    claimed: Claims, classes: tuple[int, ...], conflicts: Conflicts, yielding: Collection[int] = ()
) -> Mask:
    """(h, w): who gets a pixel, 0 or one of the ``classes``; 255 if nobody claims it.

    With ``area`` the smallest area claims a contested pixel, the background taking part like a
    class; of equal areas the later. ``yielding`` classes then leave what the background claims too.
    With ``undefined`` a contested pixel is 255.
    """
    numbers = (BACKGROUND, *classes)
    areas = claimed.sum((1, 2))
    mask = np.full(claimed.shape[1:], IGNORE, np.uint8)
    for k in np.argsort(-areas, kind="stable"):
        mask[claimed[k]] = numbers[k]
    if conflicts == "undefined":
        mask[claimed.sum(0) > 1] = IGNORE
    else:
        mask[np.isin(mask, list(yielding)) & claimed[0]] = BACKGROUND
    return mask
