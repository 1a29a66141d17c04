"""Error anatomy: every wrong pixel has one cause, so the causes add up to all wrong pixels.

Pixels whose truth is 255 do not count. A wrong pixel has the first of these causes that fits:

- ``ignored``: the mask is 255 there.
- ``missing``: background in the mask, on a class of which the mask finds no pixel in this image.
- ``boundary``: the mask's class is the true one within the tolerance of the boundary F-score.
- ``context``: an object painted on the background inside a context map, whichever object it is.
- ``confusion``: an object painted on another one.
- ``extension``: an object painted on any other background.
- ``partial``: background in the mask, on a class of which it finds a part.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wsss_harness.contract.types import BACKGROUND, IGNORE, Mask
from wsss_harness.metrics.boundary import fill_ignored, near, reach_of
from wsss_harness.metrics.confusion import Counts, Ratios, mean, ratio

CAUSES = ("ignored", "missing", "boundary", "context", "confusion", "extension", "partial")
RIGHT = 0  # the causes follow


def causes(
    truth: Mask, mask: Mask, context: Mapping[str, NDArray[np.bool_] | None]
) -> NDArray[np.uint8]:
    """For every pixel 0 if it is right or does not count, else 1 + its place in CAUSES; (H, W)."""
    wrong = (truth != IGNORE) & (truth != mask)
    painted = mask != BACKGROUND
    empty = truth == BACKGROUND
    drawn = [place for place in context.values() if place is not None]
    fits = [
        mask == IGNORE,
        ~painted & ~np.isin(truth, truth[truth == mask]),
        _displaced(truth, mask, wrong),
        painted & empty & np.any([np.zeros_like(wrong), *drawn], axis=0),
        painted & ~empty,
        painted,
        wrong,
    ]
    cause = np.select(fits, range(1, len(fits) + 1))
    return np.where(wrong, cause, RIGHT).astype(np.uint8)


def _displaced(truth: Mask, mask: Mask, wrong: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Wrong pixels that would be right if an edge of the mask were moved by the tolerance."""
    filled = fill_ignored(truth, truth == IGNORE)
    displaced = np.zeros_like(wrong)
    for value in np.unique(mask[wrong]):
        here = wrong & (mask == value)
        displaced |= here & near(filled == value, reach_of(truth))
    return displaced


def count(
    truth: Mask, mask: Mask, classes: int, context: Mapping[str, NDArray[np.bool_] | None]
) -> Counts:
    """(1 + causes, 2, C + 1): right pixels, then each cause's, by true class and by mask class."""
    side = classes + 1
    counted = truth != IGNORE
    cause = causes(truth, mask, context)[counted].astype(np.int64) * (IGNORE + 1)
    size = (1 + len(CAUSES)) * (IGNORE + 1)
    each = [np.bincount(cause + values[counted], minlength=size) for values in (truth, mask)]
    return np.stack(each, 1).reshape(-1, IGNORE + 1, 2)[:, :side].transpose(0, 2, 1)


def read(
    counts: Counts, names: tuple[str, ...], contexts: tuple[tuple[str, str], ...] = ()
) -> dict[str, Any]:
    """By cause: ``share`` of the counted pixels, and ``gain`` in mIoU if it alone were mended.

    Shares add up to that of all wrong pixels; gains need not, since IoU is no sum.
    """
    pixels = counts[:, 0].sum(-1)
    shares = ratio(pixels, pixels.sum(keepdims=True))
    before = mean(_iou(counts))
    return {
        cause: {
            "share": None if np.isnan(shares[place]) else float(shares[place]),
            "gain": float(mean(_iou(mended(counts, place))) - before),
        }
        for place, cause in enumerate(CAUSES, 1)
    }


def mended(counts: Counts, place: int) -> Counts:
    """The counts if the pixels of one cause, or of a slice of them, were right."""
    after = counts.copy()
    after[RIGHT] += counts[place, 0].reshape(-1, counts.shape[-1]).sum(0)
    after[place] = 0
    return after


def _iou(counts: Counts) -> Ratios:
    hit = counts[RIGHT, 0]
    truth, mask = counts.sum(0)
    return ratio(hit, truth + mask - hit)
