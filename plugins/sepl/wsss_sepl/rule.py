"""Which regions a class takes, and what its mask becomes.

Chen et al., "Segment Anything Model (SAM) Enhanced Pseudo Labels for Weakly Supervised Semantic
Segmentation", 2023, section 3; cskyl/SAM_WSSS: merge/max_iou_imp2.py.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from wsss_harness import BACKGROUND, IGNORE, Mask
from wsss_sepl.regions import Counts, RegionSet

NOBODY = 0

Claims = NDArray[np.bool_]  # (K, M): which classes claim which regions


def classes_of(mask: Mask) -> list[int]:
    """The classes in a mask, ascending, without background and 255."""
    return [number for number in np.unique(mask).tolist() if number not in (BACKGROUND, IGNORE)]


def pixels_in(mask: Mask, regions: RegionSet, classes: Sequence[int]) -> Counts:
    """(K, M): how many pixels of each class lie in each region."""
    return np.array([regions.count(mask == number) for number in classes], np.int64)


def claims(inside: Counts, areas: Counts, sizes: Counts, half: float, most: float) -> Claims:
    """A class claims a region of which it has more than ``half``, or that has ``most`` of it.

    ``inside`` (K, M): see ``pixels_in``; ``areas`` (K,): pixels of classes; ``sizes`` (M,): pixels
    of regions. A share of exactly ``half`` is not enough, one of exactly ``most`` is.
    """
    covers = inside / areas[:, None] >= most
    claimed: Claims = (inside > half * sizes) | (covers & (inside > 0))
    return claimed


def takers(claimed: Claims, inside: Counts, classes: Sequence[int], conflicts: str) -> Counts:
    """(M,): the class that takes each region, NOBODY where none claims it.

    Of several, ``lowest`` takes the one with the lowest number, ``largest`` the one with most
    pixels in the region.
    """
    votes = claimed if conflicts == "lowest" else np.where(claimed, inside, -1)
    return np.where(claimed.any(0), np.array(classes, np.int64)[votes.argmax(0)], NOBODY)


def refined(
    mask: Mask, regions: RegionSet, taken_by: Counts, classes: Sequence[int], cover: str
) -> Mask:
    """The regions that each class has taken, and its pixels that no region covers.

    Classes follow each other in ascending order, and later ones overwrite earlier ones. What covers
    the pixels of a class are ``all`` regions, or those ``not_taken_before``, by a lower class. The
    rest is background.
    """
    result = np.full(mask.shape, BACKGROUND, np.uint8)
    for number in classes:
        before = (taken_by != NOBODY) & (taken_by < number) & (cover == "not_taken_before")
        kept = (mask == number) & ~regions.union(~before)
        result[regions.union(taken_by == number) | kept] = number
    return result


def with_open_pixels(result: Mask, mask: Mask) -> Mask:
    """255 where the mask had it and the result has no class."""
    return np.where((result == BACKGROUND) & (mask == IGNORE), IGNORE, result).astype(np.uint8)
