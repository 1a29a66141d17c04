"""From class scores to pseudo-masks: background rules, and the largest score at each pixel."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from wsss_harness.contract.errors import ConfigError, DataError, PluginError
from wsss_harness.contract.supervision import SALIENCY
from wsss_harness.contract.types import BACKGROUND, IGNORE, ClassScores, Map, Mask, Sample
from wsss_harness.plugins.options import construct
from wsss_harness.system.similar import did_you_mean


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

    def unknown(self, margin: Map, largest: Map, scores: ClassScores) -> NDArray[np.bool_]:
        """Where pixels become 255, (H, W)."""
        unknown: NDArray[np.bool_] = np.abs(margin) < self.uncertain
        return unknown

    def mask(self, scores: ClassScores, sample: Sample) -> Mask:
        """The mask of an image, (H, W).

        Ties between classes go to the first. An image without classes is background.
        """
        largest = scores.values.max(0, initial=0)
        margin = self.margin(largest, scores, sample)
        if not scores.classes:
            return np.full(scores.size, BACKGROUND, np.uint8)
        best = np.array(scores.classes, np.uint8)[scores.values.argmax(0)]
        mask = np.where(margin > 0, best, np.uint8(BACKGROUND))
        mask[self.unknown(margin, largest, scores)] = IGNORE
        return mask


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
        return saliency_of(sample, scores) - np.float32(self.threshold)


def saliency_of(sample: Sample, scores: ClassScores) -> Map:
    """The saliency of an image; DataError unless it has the size of its scores."""
    if sample.saliency.shape != scores.size:
        raise DataError(
            f"image {sample.image_id}: its saliency is {sample.saliency.shape}, its scores "
            f"are {scores.size}; both must have the size of the image"
        )
    return sample.saliency


@dataclass(frozen=True)
class Explicit(BackgroundRule):
    """The background scores what the generator's own background map says.

    Pixels where neither it nor a class scores more than ``undefined`` become 255; None: no pixel.
    Seeds leave such pixels open, and a CRF on seeds may (js-fan/ICD, run_icd.py: 0.1).
    """

    undefined: float | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.undefined is not None and not 0 <= self.undefined < 1:
            raise ConfigError(
                f"background rule: undefined is {self.undefined}; expected 0 or more and below 1, "
                "the highest score that says nothing"
            )

    def margin(self, largest: Map, scores: ClassScores, sample: Sample) -> Map:
        if scores.background is None:
            raise PluginError(
                f"image {sample.image_id}: the rule 'explicit' needs scores with a background map; "
                "choose another rule, or the generator's option that makes one"
            )
        return largest - scores.background

    def unknown(self, margin: Map, largest: Map, scores: ClassScores) -> NDArray[np.bool_]:
        uncertain = super().unknown(margin, largest, scores)
        if self.undefined is None or scores.background is None:
            return uncertain
        return uncertain | (np.maximum(largest, scores.background) <= np.float32(self.undefined))


@dataclass(frozen=True)
class ExplicitSaliency(Explicit):
    """Saliency decides where the background is, the scores where a class is.

    Background is where saliency is below ``threshold``. If less than ``fewest`` of the image is
    salient, the generator's own background map must agree. A pixel that is both or neither becomes
    255 (js-fan/ICD, run_icd.py: --use-sal).
    """

    needs: ClassVar[frozenset[str]] = frozenset({SALIENCY})
    undefined: float | None = 0.1
    threshold: float = 0.01
    fewest: float = 0.01

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 <= self.fewest <= 1:
            raise ConfigError(
                f"background rule 'explicit_saliency': fewest is {self.fewest}; expected a share "
                "of the image from 0 to 1"
            )

    def margin(self, largest: Map, scores: ClassScores, sample: Sample) -> Map:
        of_scores = super().margin(largest, scores, sample)
        background = saliency_of(sample, scores) < np.float32(self.threshold)
        if (~background).mean() < self.fewest:
            background &= of_scores < 0
        undecided = (of_scores > 0) == background
        return np.where(undecided, 0, np.where(background, np.float32(-1), of_scores))

    def unknown(self, margin: Map, largest: Map, scores: ClassScores) -> NDArray[np.bool_]:
        unknown: NDArray[np.bool_] = super().unknown(margin, largest, scores) & (margin > 0)
        unknown |= margin == 0
        return unknown


@dataclass(frozen=True)
class SoftSaliency(BackgroundRule):
    """The background scores 1 - saliency, against classes stretched from 0 to 1.

    Scores below ``lowest`` then count as 0, the background's too. A pixel becomes 255 where more
    than one of them exceeds ``conflict``, and where the background wins although saliency is at
    least ``salient`` or a class exceeds ``sure``. If less than ``fewest`` of the image has a class,
    all of it becomes 255 (GuoleiSun/MCIS_wsss: Classifier/gen_gt.py).
    """

    needs: ClassVar[frozenset[str]] = frozenset({SALIENCY})
    lowest: float = 0.3
    conflict: float = 0.99
    salient: float = 32 / 255
    sure: float = 0.95
    fewest: float = 0.01

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("lowest", "conflict", "salient", "sure", "fewest"):
            value = getattr(self, name)
            if not 0 <= value <= 1:
                raise ConfigError(
                    f"background rule 'soft_saliency': {name} is {value}; expected 0 to 1"
                )

    def margin(self, largest: Map, scores: ClassScores, sample: Sample) -> Map:
        return largest - self.background(saliency_of(sample, scores))

    def background(self, saliency: Map) -> Map:
        return self.counted(1 - saliency)

    def counted(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        return np.where(values < np.float32(self.lowest), np.float32(0), values)

    def mask(self, scores: ClassScores, sample: Sample) -> Mask:
        attention, saliency = stretched(scores.values), saliency_of(sample, scores)
        kept = replace(scores, values=self.counted(attention.astype(np.float32)))
        mask = super().mask(kept, sample)
        limit = np.float32(self.conflict)
        rivals = (kept.values > limit).sum(0) + (self.background(saliency) > limit)
        mask[rivals > 1] = IGNORE
        something = (saliency >= np.float32(self.salient)) | (attention > self.sure).any(0)
        mask[(mask == BACKGROUND) & something] = IGNORE
        if ((mask != BACKGROUND) & (mask != IGNORE)).mean() < self.fewest:
            mask[:] = IGNORE
        return mask


def stretched(values: NDArray[np.float32]) -> NDArray[np.float64]:
    """Scores (K, H, W) stretched from 0 to 1 in float64, as levels of 8 bits.

    Levels that are whole up to rounding are whole, so that ties are those of released code.
    """
    levels = values.astype(np.float64) * 255
    levels = np.where(np.abs(levels - levels.round()) < 1e-4, levels.round(), levels)
    low, high = (end((1, 2), keepdims=True) for end in (levels.min, levels.max))
    stretched: NDArray[np.float64] = (levels - low) / (high - low + 1e-8)
    return stretched


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
    "explicit_saliency": ExplicitSaliency,
    "soft_saliency": SoftSaliency,
    "nothing": Nothing,
}


def build_rule(name: str, options: Mapping[str, Any]) -> BackgroundRule:
    """The rule named ``name``; ConfigError lists the rules, or the options of the rule."""
    if name not in RULES:
        raise ConfigError(f"no background rule is named '{name}'{did_you_mean(name, RULES)}")
    rule: BackgroundRule = construct(f"background rule '{name}'", RULES[name], options)
    return rule


def to_mask(scores: ClassScores, rule: BackgroundRule, sample: Sample) -> Mask:
    """The class with the largest score where it is strictly greater than the background, (H, W)."""
    return rule.mask(scores, sample)
