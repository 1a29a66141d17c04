"""Co-occurrence ratio m(k, c) = FP(k, c) / TP(c), lower is better (EPS, CVPR 2021, section 5).

FP(k, c): pixels of context k that the mask calls class c. TP(c): pixels of c found.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wsss_harness.contract.types import IGNORE, Mask
from wsss_harness.metrics.confusion import Counts, named, ratio


def count(
    truth: Mask, mask: Mask, classes: int, context: Mapping[str, NDArray[np.bool_] | None]
) -> Counts:
    """(1 + contexts, C + 1): true positives by class, then false positives inside each context.

    Contexts are in the order of ``context``. Pixels whose truth is 255 do not count, nor do images
    without annotated contexts: they would add hits but never false positives.
    """
    side = classes + 1
    places = [place for place in context.values() if place is not None]
    if len(places) < len(context):
        return np.zeros((1 + len(context), side), np.int64)
    counted = (truth != IGNORE) & (mask <= classes)
    wrong = counted & (truth != mask)
    hits = mask[counted & (truth == mask)]
    values = [hits, *(mask[wrong & place] for place in places)]
    return np.stack([np.bincount(pixels, minlength=side) for pixels in values]).astype(np.int64)


def read(
    counts: Counts, names: tuple[str, ...], contexts: tuple[tuple[str, str], ...]
) -> dict[str, Any]:
    """m(k, c) of each pair, and "pooled": all false positives of the pairs over their hits."""
    places = list(dict.fromkeys(place for place, _ in contexts))
    wrong = np.array([counts[1 + places.index(k), names.index(c)] for k, c in contexts], np.int64)
    hits = np.array([counts[0, names.index(c)] for _, c in contexts], np.int64)
    pooled = ratio(wrong.sum(keepdims=True), hits.sum(keepdims=True))
    ratios = named(ratio(wrong, hits), tuple(f"{k}>{c}" for k, c in contexts))
    return {**ratios, **named(pooled, ("pooled",))}
