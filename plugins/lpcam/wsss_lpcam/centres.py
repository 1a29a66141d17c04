"""Which features are clustered, and which centres stand for a class and for its context.

Chen and Sun, CVPR 2023, section 3.2; zhaozhengChen/LPCAM: step/make_lpcam.py and
step_coco/make_lpcam.py.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from torch import Tensor
from torch.nn.functional import interpolate

from wsss_harness import ConfigError

if TYPE_CHECKING:
    from wsss_lpcam.settings import LpcamSettings

TIE = 1e-6  # centres this close to the best are as good


@dataclass(frozen=True)
class Centres:
    """Of one class: those of the object (n, d), at least one, and those of its context (m, d)."""

    objects: Tensor
    contexts: Tensor


def high_and_low(scores: Tensor, size: tuple[int, int], threshold: float) -> tuple[Tensor, Tensor]:
    """Where the scores (H, W) of a class, resized to ``size``, are above and below ``threshold``.

    Two (h, w) of bool. A score of exactly the threshold in single precision is in neither.
    """
    small = interpolate(scores[None, None], size, mode="nearest")[0, 0]
    limit = float(np.float32(threshold))
    return small > limit, small < limit


def probabilities(centres: Tensor, weights: Tensor, number: int) -> Tensor:
    """(k,): how probable the class with this number, from 1, is for each centre (k, d).

    ``weights`` (C, d) are those of the classifier, which has no bias.
    """
    return (centres @ weights.T).softmax(1)[:, number - 1]


def of_object(probable: Tensor, sure: float, fallback: str) -> Tensor:
    """(k,) of bool: the centres of the object; the best ones if none is sure and they may."""
    chosen = probable > sure
    if fallback == "best" and len(chosen) and not chosen.any():
        chosen = probable > probable.max() - TIE
    return chosen


def of_context(probable: Tensor, bounds: tuple[float, float]) -> Tensor:
    """(k,) of bool: the centres of the context, which the classifier takes for the class at times.

    The others have nothing to do with the class.
    """
    return (probable > bounds[0]) & (probable < bounds[1])


def judged(
    high: Tensor, low: Tensor, weights: Tensor, number: int, settings: LpcamSettings
) -> Centres:
    """The chosen among the centres (k, d) of ``high`` and of ``low`` scores."""
    sure = of_object(probabilities(high, weights, number), settings.sure, settings.fallback)
    objects = high[sure] if sure.any() else weights[number - 1 : number]
    of_low = of_context(probabilities(low, weights, number), settings.context)
    return Centres(objects, low[of_low])


def standing_in(
    high: Tensor, weights: Tensor, number: int, name: str, settings: LpcamSettings
) -> str:
    """What stands in for the sure centres of a class; empty if it has one.

    Raises:
        ConfigError: nothing may stand in for them.
    """
    probable = probabilities(high, weights, number)
    if (probable > settings.sure).any():
        return ""
    reached = f"; the best has {probable.max():.3g}" if len(probable) else ""
    problem = f"no centre of class '{name}' is more probable than {settings.sure}{reached}"
    if settings.fallback == "error":
        raise ConfigError(
            f"lpcam: {problem}; lower the option 'sure', or set fallback = 'best' or 'classifier'"
        )
    by_best = settings.fallback == "best" and len(probable)
    stand_in = "its best centre" if by_best else "its weights in the classifier"
    return f"{problem}; {stand_in} stands in"
