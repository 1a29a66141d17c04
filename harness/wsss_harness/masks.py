"""From class scores to pseudo-masks: background rules, and the largest score at each pixel."""

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from wsss_harness.errors import ConfigError, DataError, PluginError
from wsss_harness.supervision import SALIENCY
from wsss_harness.types import BACKGROUND, ClassScores, Map, Mask, Sample


@dataclass(frozen=True)
class Constant:
    """The background scores ``threshold`` everywhere (psa, EPS: infer.py use 0.20)."""

    needs: ClassVar[frozenset[str]] = frozenset()
    threshold: float = 0.2

    def background(self, scores: ClassScores, sample: Sample) -> Map:
        return np.full(scores.size, self.threshold, np.float32)


@dataclass(frozen=True)
class Power:
    """The background scores (1 - largest class score) ** alpha (psa: infer_cls.py)."""

    needs: ClassVar[frozenset[str]] = frozenset()
    alpha: float = 16.0

    def background(self, scores: ClassScores, sample: Sample) -> Map:
        largest = scores.values.max(0, initial=0)
        background: Map = (1 - largest) ** np.float32(self.alpha)
        return background


@dataclass(frozen=True)
class Saliency:
    """Background where saliency is at most ``threshold``, the largest class elsewhere."""

    needs: ClassVar[frozenset[str]] = frozenset({SALIENCY})
    threshold: float = 0.5

    def background(self, scores: ClassScores, sample: Sample) -> Map:
        if sample.saliency.shape != scores.size:
            raise DataError(
                f"image {sample.image_id}: its saliency is {sample.saliency.shape}, its scores "
                f"are {scores.size}; both must have the size of the image"
            )
        # Below every score, or above: scores lie in [0, 1].
        return np.where(sample.saliency > self.threshold, np.float32(-1), np.float32(2))


@dataclass(frozen=True)
class Explicit:
    """The background map that the generator made itself."""

    needs: ClassVar[frozenset[str]] = frozenset()

    def background(self, scores: ClassScores, sample: Sample) -> Map:
        if scores.background is None:
            raise PluginError(
                f"image {sample.image_id}: the rule 'explicit' needs scores with a background map; "
                "choose another rule, or the generator's option that makes one"
            )
        return scores.background


Rule = Constant | Power | Saliency | Explicit
RULES: Mapping[str, type[Rule]] = {
    "constant": Constant,
    "power": Power,
    "saliency": Saliency,
    "explicit": Explicit,
}


def build_rule(name: str, options: Mapping[str, Any]) -> Rule:
    """The rule called ``name``; unknown names and options are errors that list what exists."""
    if name not in RULES:
        raise ConfigError(f"no background rule named '{name}'; there are {', '.join(RULES)}")
    known = {field.name for field in dataclasses.fields(RULES[name])}
    for option in options:
        if option not in known:
            listed = ", ".join(sorted(known)) or "none"
            raise ConfigError(
                f"background rule '{name}' has no option '{option}'; it has: {listed}"
            )
    make: Callable[..., Rule] = RULES[name]
    return make(**options)


def to_mask(scores: ClassScores, rule: Rule, sample: Sample) -> Mask:
    """The class with the largest score; the background where none is strictly greater than it.

    Ties between classes go to the first. An image without classes is background.
    """
    stacked = np.concatenate([rule.background(scores, sample)[None], scores.values])
    names = np.array([BACKGROUND, *scores.classes], np.uint8)
    mask: Mask = names[stacked.argmax(0)]
    return mask
