"""A score map of the background, stacked on the scores of classes."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from wsss_harness import ClassScores, Map, PluginError, Sample, View
from wsss_harness.networks.crf import Maps, Parameters, infer

Stacks = tuple[Maps, Maps]  # careful and eager, (K + 1, H, W) each


@dataclass(frozen=True, kw_only=True)
class Background:
    """``power``: (1 - largest score) ** ``alpha`` (Ahn and Kwak, CVPR 2018, section 3.1).

    ``constant``: ``threshold`` everywhere. ``explicit``: the background map of the scores.
    """

    kind: Literal["power", "constant", "explicit"] = "power"
    alpha: float = 16.0
    threshold: float = 0.2

    def score(self, scores: ClassScores, image_id: str) -> Map:
        """(H, W) in [0, 1]; PluginError if an explicit map is missing."""
        if self.kind == "power":
            power: Map = (1 - scores.values.max(0, initial=0)) ** np.float32(self.alpha)
            return power
        if self.kind == "constant":
            return np.full(scores.size, self.threshold, np.float32)
        if scores.background is None:
            raise PluginError(
                f"image {image_id}: the background 'explicit' needs scores with a background map; "
                "choose 'power' or 'constant', or the option of the method that makes one"
            )
        return scores.background

    def stack(self, scores: ClassScores, image_id: str) -> Maps:
        """(K + 1, H, W): the background, then the K classes of the scores."""
        return np.concatenate([self.score(scores, image_id)[None], scores.values])


@dataclass(frozen=True)
class Evidence:
    """How the two stacks of an image are made, from which ``labels.sure_labels`` takes labels.

    ``parameters``: of a CRF on each stack (Ahn and Kwak, CVPR 2018, section 3.2.1), or None.
    """

    careful: Background
    eager: Background
    parameters: Parameters | None

    def of_image(self, data: View, scores: Callable[[str], ClassScores], image_id: str) -> Stacks:
        return self.stacks(data[image_id], scores(image_id))

    def stacks(self, sample: Sample, scores: ClassScores) -> Stacks:
        backgrounds = [self.careful, self.eager]
        stacks = [background.stack(scores, sample.image_id) for background in backgrounds]
        if self.parameters is not None:
            stacks = [infer(sample.image, stack, self.parameters) for stack in stacks]
        careful, eager = stacks
        return careful, eager
