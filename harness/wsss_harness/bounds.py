"""Masks that no method could make: what nothing scores, and what a perfect classifier would.

A bound reads the truth, or nothing; the ledger notes what, and the tables mark it.
"""

from collections.abc import Callable, Mapping

import numpy as np

from wsss_harness.supervision import SALIENCY, TRUTH, Dataset, Ledger
from wsss_harness.types import BACKGROUND, IGNORE, Mask

Bound = Callable[[Dataset, str, Ledger], Mask]


def all_background(dataset: Dataset, image_id: str, ledger: Ledger) -> Mask:
    """What a method scores that finds nothing."""
    return np.zeros(dataset.image(image_id).shape[:2], np.uint8)


def salient_true_classes(dataset: Dataset, image_id: str, ledger: Ledger) -> Mask:
    """Saliency above 0.5 painted with the class of the nearest pixel of a true object.

    What saliency allows when classes are known. Salient pixels without any object stay background.
    """
    ledger.note(TRUTH)
    ledger.note(SALIENCY)
    salient = dataset.saliency(image_id) > 0.5
    truth = dataset.truth(image_id)
    return np.where(salient, nearest_class(truth), np.uint8(BACKGROUND))


def nearest_class(truth: Mask) -> Mask:
    """For every pixel the class of the nearest object pixel; background if there is none."""
    from scipy.ndimage import distance_transform_edt

    objects = (truth != BACKGROUND) & (truth != IGNORE)
    if not objects.any():
        return np.zeros_like(truth)
    rows, columns = distance_transform_edt(~objects, return_distances=False, return_indices=True)
    nearest: Mask = truth[rows, columns]
    return nearest


BOUNDS: Mapping[str, Bound] = {
    "All background": all_background,
    "Saliency, true classes": salient_true_classes,
}
