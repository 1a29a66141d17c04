"""Boundary F-score: the shares of edge pixels of mask and truth that lie near the other's edges.

Edges lie between any two different values, as in the boundary evaluation of EPS (CVPR 2021), which
ignores classes. A border of 255 in the truth is closed to a line midway between
its sides; deeper than twice the tolerance inside an area of 255 nothing counts.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wsss_harness.contract.types import IGNORE, Mask
from wsss_harness.metrics.confusion import Counts, named, ratio

TOLERANCE = 0.0075  # of the image diagonal, as in the boundary benchmark of the BSDS


def edges(labels: Mask) -> NDArray[np.bool_]:
    """Pixels that differ from their right or lower neighbour."""
    edge = np.zeros(labels.shape, bool)
    edge[:, :-1] |= labels[:, :-1] != labels[:, 1:]
    edge[:-1] |= labels[:-1] != labels[1:]
    return edge


def fill_ignored(labels: Mask, ignored: NDArray[np.bool_]) -> Mask:
    """``labels`` with the value of the nearest counted pixel where ``ignored``."""
    from scipy.ndimage import distance_transform_edt

    if not ignored.any() or ignored.all():
        return labels
    rows, columns = distance_transform_edt(ignored, return_distances=False, return_indices=True)
    filled: Mask = labels[rows, columns]
    return filled


def near(places: NDArray[np.bool_], reach: float) -> NDArray[np.bool_]:
    """Pixels at most ``reach`` away from one of ``places``."""
    import cv2

    across = np.arange(-int(reach), int(reach) + 1)
    disc = (np.hypot(across[:, None], across) <= reach).astype(np.uint8)
    widened: Mask = cv2.dilate(
        places.astype(np.uint8), disc, borderType=cv2.BORDER_CONSTANT, borderValue=0
    )
    return widened > 0


def reach_of(labels: Mask) -> float:
    """The tolerance in pixels for an image of this size."""
    return max(1.0, TOLERANCE * float(np.hypot(*labels.shape)))


def count(truth: Mask, mask: Mask, classes: int, context: Mapping[str, Any]) -> Counts:
    """(matched mask edge, mask edge, matched truth edge, truth edge) pixels, (4,)."""
    reach = reach_of(truth)
    ignored = truth == IGNORE
    counted = near(~ignored, 2 * reach)
    true_edge = edges(fill_ignored(truth, ignored)) & counted
    mask_edge = edges(mask) & counted
    matched = mask_edge & near(true_edge, reach), true_edge & near(mask_edge, reach)
    areas = (matched[0], mask_edge, matched[1], true_edge)
    return np.array([area.sum() for area in areas], np.int64)


def read(
    counts: Counts, names: tuple[str, ...], contexts: tuple[tuple[str, str], ...]
) -> dict[str, Any]:
    """Boundary precision, recall and their harmonic mean; None where undefined."""
    precision, recall = ratio(counts[[0, 2]], counts[[1, 3]])
    total = precision + recall
    f_score = 2 * precision * recall / total if total else total
    return named(np.array([precision, recall, f_score]), ("precision", "recall", "f"))
