"""How well saliency maps find the foreground, which limits what a method can learn from them."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from wsss_harness.contract.types import IGNORE, Map, Mask


@dataclass(frozen=True)
class Quality:
    """Fractions, pooled over all pixels whose truth is not 255.

    ``iou``: of saliency > 0.5 with the foreground. ``error``: mean absolute difference. ``max_f``:
    the largest F with beta^2 = 0.3.
    """

    iou: float
    error: float
    max_f: float


def quality(pairs: Iterable[tuple[Mask, Map]]) -> Quality:
    """How well saliency maps find the foreground of ``(truth, saliency)`` pairs.

    F as in Achanta et al., "Frequency-tuned salient region detection", CVPR 2009, with precision
    and recall pooled over the set and the threshold swept over 256 levels.
    """
    inside, outside = np.zeros(256, np.int64), np.zeros(256, np.int64)
    error = 0.0
    for truth, saliency in pairs:
        valid = truth != IGNORE
        front, values = truth[valid] > 0, saliency[valid]
        levels = np.rint(values * 255).astype(np.intp)
        inside += np.bincount(levels[front], minlength=256)
        outside += np.bincount(levels[~front], minlength=256)
        error += float(np.abs(values - front).sum(dtype=np.float64))
    hit, false = inside[::-1].cumsum()[::-1], outside[::-1].cumsum()[::-1]
    total = int(inside.sum() + outside.sum())
    precision = hit / np.maximum(hit + false, 1)
    recall = hit / max(1, int(inside.sum()))
    f = 1.3 * precision * recall / np.maximum(0.3 * precision + recall, 1e-12)
    iou = hit[128] / max(1, int(inside.sum() + false[128]))
    return Quality(float(iou), error / max(1, total), float(f.max()))
