"""Scores of an image from the maps of ICD's network."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from wsss_harness import ClassScores
from wsss_icd.canvas import Maps, at_image, canvas_of, on_canvas
from wsss_icd.seeds import seed_scores

if TYPE_CHECKING:
    from wsss_harness import Sample
    from wsss_icd.network import IcdNetwork


def soft_scores(classes: tuple[int, ...], logits: Maps) -> ClassScores:
    """The sigmoid of logits (K, H, W); the background is 1 - the largest of them.

    The rule "explicit" then paints a class where its logit is above 0.
    """
    values = 1 / (1 + np.exp(-logits.astype(np.float64)))
    background = 1 - values.max(0, initial=0)
    return ClassScores(classes, values.astype(np.float32), background.astype(np.float32))


@dataclass(frozen=True)
class IcdScorer:
    """Scores of a sample: one scale, no mirror image (js-fan/ICD: run_icd.py)."""

    network: IcdNetwork
    side: int
    seeds: bool

    def __call__(self, sample: Sample) -> ClassScores:
        maps, logits = self.raw_maps(sample)
        if self.seeds:
            return seed_scores(sample.present, logits, maps)
        return soft_scores(sample.present, logits)

    @torch.inference_mode()
    def raw_maps(self, sample: Sample) -> tuple[Maps, Maps]:
        """Class maps and top-down logits of the present classes, (K, H, W) each."""
        network, image = self.network, sample.image
        backbone = network.backbone
        canvas = canvas_of(image, self.side, backbone.stride)
        values = on_canvas(image, canvas, backbone.mean, backbone.std)
        outputs = network(values.to(network.direction.device))
        wanted = [number - 1 for number in sample.present]
        height, width = image.shape[:2]
        maps, logits = (
            at_image(raw[0, wanted].float().cpu().numpy(), canvas, (height, width))
            for raw in (outputs.maps, outputs.logits)
        )
        return maps, logits
