"""From class scores to pseudo-masks: background rules, and the largest score at each pixel."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from wsss_harness.contract.errors import ConfigError, DataError, PluginError
from wsss_harness.contract.supervision import SALIENCY
from wsss_harness.contract.types import BACKGROUND, IGNORE, ClassScores, Map, Mask, Sample
from wsss_harness.plugins.options import construct


@dataclass(frozen=True)
class BackgroundRule:
    """By how much the largest class score beats the background, pixel by pixel.

    ``needs``: the supervision that the rule reads. Pixels whose margin is
    closer to zero than ``uncertain`` become 255, as between the two thresholds of jiwoon-ahn/irn.
    """

    needs: ClassVar[frozenset[str]] = frozenset()
    uncertain: float = field(default=0.0, kw_only=True)

    def __post_init__(self) -> None:
        if not 0 <= self.uncertain <= 1:
            raise ConfigError(
                f"background rule: uncertain is {self.uncertain}; expected 0 to 1, the range of "
                "scores"
            )

    def margin(self, largest: Map, scores: ClassScores, sample: Sample) -> Map:
        """The margin, (H, W), above 0 in the foreground.

        ``largest``: the largest class score of each pixel, (H, W) in [0, 1]; 0 without a class.
        """
        raise NotImplementedError


@dataclass(frozen=True)
class Constant(BackgroundRule):
    """The background scores ``threshold`` everywhere (psa, EPS: infer.py use 0.20)."""

    threshold: float = 0.2

    def margin(self, largest: Map, scores: ClassScores, sample: Sample) -> Map:
        return largest - np.float32(self.threshold)


@dataclass(frozen=True)
class Power(BackgroundRule):
    """The background scores (1 - largest class score) ** alpha.

    psa: 4 and 32 for its CRFs (infer_cls.py), 16 for its walk (infer_aff.py).
    """

    alpha: float = 16.0

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.alpha <= 0:
            raise ConfigError(f"background rule 'power': alpha is {self.alpha}; expected above 0")

    def margin(self, largest: Map, scores: ClassScores, sample: Sample) -> Map:
        margin: Map = largest - (1 - largest) ** np.float32(self.alpha)
        return margin


@dataclass(frozen=True)
class Saliency(BackgroundRule):
    """Background where saliency is at most ``threshold``, the largest class elsewhere."""

    needs: ClassVar[frozenset[str]] = frozenset({SALIENCY})
    threshold: float = 0.5

    def margin(self, largest: Map, scores: ClassScores, sample: Sample) -> Map:
        if sample.saliency.shape != scores.size:
            raise DataError(
                f"image {sample.image_id}: its saliency is {sample.saliency.shape}, its scores "
                f"are {scores.size}; both must have the size of the image"
            )
        return sample.saliency - np.float32(self.threshold)


@dataclass(frozen=True)
class Explicit(BackgroundRule):
    """The background scores what the generator's own background map says."""

    def margin(self, largest: Map, scores: ClassScores, sample: Sample) -> Map:
        if scores.background is None:
            raise PluginError(
                f"image {sample.image_id}: the rule 'explicit' needs scores with a background map; "
                "choose another rule, or the generator's option that makes one"
            )
        return largest - scores.background


@dataclass(frozen=True)
class Nothing(BackgroundRule):
    """Everything is background."""

    def margin(self, largest: Map, scores: ClassScores, sample: Sample) -> Map:
        return np.full_like(largest, -1)


RULES: Mapping[str, type[BackgroundRule]] = {
    "constant": Constant,
    "power": Power,
    "saliency": Saliency,
    "explicit": Explicit,
    "nothing": Nothing,
}


def build_rule(name: str, options: Mapping[str, Any]) -> BackgroundRule:
    """The rule named ``name``; ConfigError lists the rules, or the options of the rule."""
    if name not in RULES:
        raise ConfigError(f"no background rule named '{name}'; there are {', '.join(RULES)}")
    rule: BackgroundRule = construct(f"background rule '{name}'", RULES[name], options)
    return rule


def to_mask(scores: ClassScores, rule: BackgroundRule, sample: Sample) -> Mask:
    """The class with the largest score where it is strictly greater than the background, (H, W).

    Ties between classes go to the first. An image without classes is background.
    """
    largest = scores.values.max(0, initial=0)
    margin = rule.margin(largest, scores, sample)
    if not scores.classes:
        return np.full(scores.size, BACKGROUND, np.uint8)
    best = np.array(scores.classes, np.uint8)[scores.values.argmax(0)]
    mask = np.where(margin > 0, best, np.uint8(BACKGROUND))
    mask[np.abs(margin) < rule.uncertain] = IGNORE
    return mask
