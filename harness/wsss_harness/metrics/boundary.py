"""Boundary F-score: how many edge pixels of a mask lie near an edge of the truth, and the reverse.

Edges are those between any two different values, as in the boundary evaluation of EPS (CVPR 2021),
which takes no account of classes. Edges that touch pixels whose truth is 255 do not count.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wsss_harness.metrics.confusion import Counts, ratio
from wsss_harness.types import IGNORE, Mask

TOLERANCE = 0.0075  # of the image diagonal, as in the boundary benchmark of the BSDS


def edges(labels: Mask) -> NDArray[np.bool_]:
    """Pixels that differ from their right or lower neighbour."""
    found = np.zeros(labels.shape, bool)
    found[:, :-1] |= labels[:, :-1] != labels[:, 1:]
    found[:-1] |= labels[:-1] != labels[1:]
    return found


def fill_ignored(labels: Mask, ignored: NDArray[np.bool_]) -> Mask:
    """``labels`` with the value of the nearest counted pixel where ``ignored``."""
    from scipy.ndimage import distance_transform_edt

    if not ignored.any() or ignored.all():
        return labels
    rows, columns = distance_transform_edt(ignored, return_distances=False, return_indices=True)
    filled: Mask = labels[rows, columns]
    return filled


def near(edge: NDArray[np.bool_], reach: float) -> NDArray[np.bool_]:
    """Pixels at most ``reach`` away from an edge pixel."""
    from scipy.ndimage import distance_transform_edt

    if not edge.any():
        return np.zeros(edge.shape, bool)
    within: NDArray[np.bool_] = distance_transform_edt(~edge) <= reach
    return within


def count(truth: Mask, mask: Mask, classes: int, context: Mapping[str, Any]) -> Counts:
    """(matched mask edge, mask edge, matched truth edge, truth edge) pixels, (4,).

    The truth's 255 border is closed to a line: its edge lies midway between the two sides.
    """
    reach = max(1.0, TOLERANCE * float(np.hypot(*truth.shape)))
    true_edge = edges(fill_ignored(truth, truth == IGNORE))
    mask_edge = edges(mask)
    return np.array(
        [
            (mask_edge & near(true_edge, reach)).sum(),
            mask_edge.sum(),
            (true_edge & near(mask_edge, reach)).sum(),
            true_edge.sum(),
        ],
        np.int64,
    )


def read(
    counts: Counts, names: tuple[str, ...], contexts: tuple[tuple[str, str], ...]
) -> dict[str, Any]:
    """Boundary precision, recall and their harmonic mean; None where undefined."""
    precision, recall = ratio(counts[[0, 2]], counts[[1, 3]])
    total = precision + recall
    f_score = 2 * precision * recall / total if total else total
    values = {"precision": precision, "recall": recall, "f": f_score}
    return {name: None if np.isnan(value) else float(value) for name, value in values.items()}
