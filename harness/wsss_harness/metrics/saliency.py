"""How well saliency maps find the foreground, which limits what a method can learn from them."""

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


class QualityCounts:
    """Counts of (truth, saliency) pairs, in constant memory."""

    def __init__(self) -> None:
        self.inside, self.outside = np.zeros(256, np.int64), np.zeros(256, np.int64)
        self.error = 0.0

    def add(self, truth: Mask, saliency: Map) -> None:
        """Add an image; both are (H, W)."""
        valid = truth != IGNORE
        front, values = truth[valid] > 0, saliency[valid]
        levels = np.rint(values * 255).astype(np.intp)
        self.inside += np.bincount(levels[front], minlength=256)
        self.outside += np.bincount(levels[~front], minlength=256)
        self.error += float(np.abs(values - front).sum(dtype=np.float64))

    def read(self) -> Quality:
        """F as in Achanta et al., "Frequency-tuned salient region detection", CVPR 2009, with
        precision and recall pooled over the set and the threshold swept over 256 levels.
        """
        hit, false = (side[::-1].cumsum()[::-1] for side in (self.inside, self.outside))
        total, front = int(self.inside.sum() + self.outside.sum()), int(self.inside.sum())
        precision = hit / np.maximum(hit + false, 1)
        recall = hit / max(1, front)
        f = 1.3 * precision * recall / np.maximum(0.3 * precision + recall, 1e-12)
        iou = hit[128] / max(1, int(front + false[128]))
        return Quality(float(iou), self.error / max(1, total), float(f.max()))
