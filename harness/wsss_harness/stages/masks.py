"""Stages that write masks: pseudo-masks from scores, and predictions of segmentors."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from wsss_harness.contract.errors import PluginError
from wsss_harness.contract.hookspecs import Segmentor
from wsss_harness.contract.supervision import View
from wsss_harness.contract.types import IGNORE, Mask, Sample
from wsss_harness.stages.background_rules import BackgroundRule, to_mask
from wsss_harness.stages.products import (
    MASK,
    THRESHOLDS,
    blaming,
    device,
    remaining,
    score_reader,
)
from wsss_harness.stages.stage_data import StageView
from wsss_harness.store.work import Work
from wsss_harness.system import files


@dataclass(frozen=True)
class PaintMasks:
    """Writes the pseudo-mask of every image of a view.

    ``choice``: the threshold of the stage ``curve`` that takes the place of the rule's own.
    """

    rule: BackgroundRule
    view: StageView
    choice: str | None = None

    def __call__(self, work: Work) -> None:
        paint_masks(work, self.chosen_rule(work), self.view.open(work))

    def chosen_rule(self, work: Work) -> BackgroundRule:
        if self.choice is None:
            return self.rule
        thresholds = files.read_json(work.inputs["curve"] / THRESHOLDS)
        rule: Any = self.rule  # a rule with a threshold; reading the suite has made sure of that
        chosen: BackgroundRule = replace(rule, threshold=thresholds[self.choice])
        return chosen


def paint_masks(work: Work, rule: BackgroundRule, view: View) -> None:
    scores = score_reader(work.inputs["scores"])
    for image_id, path in remaining(work, view.ids, MASK):
        files.write_mask(path, to_mask(scores(image_id), rule, view[image_id]))


@dataclass(frozen=True)
class PredictMasks:
    """Writes the mask that a fitted segmentor makes of every image of a view."""

    segmentor: Segmentor
    view: StageView

    def __call__(self, work: Work) -> None:
        view = self.view.open(work)
        segment = self.segmentor.load(work.inputs["fit"], device())
        for image_id, path in remaining(work, view.ids, MASK):
            sample = view[image_id]
            with blaming(view.owner, image_id):
                mask = segment(sample)
            check_mask(mask, sample, view)
            files.write_mask(path, mask)


def check_mask(mask: Mask, sample: Sample, view: View) -> None:
    """Raise PluginError unless a segmentor's mask fits the image and the classes."""
    classes, size = len(view.classes), sample.image.shape[:2]
    allowed = np.isin(mask, [*range(classes + 1), IGNORE]).all()
    if mask.shape != size or mask.dtype != np.uint8 or not allowed:
        raise PluginError(
            f"{view.owner} gave a mask of {mask.dtype} {mask.shape} with values up to "
            f"{mask.max(initial=0)} for image {sample.image_id}; expected uint8 {size} with "
            f"0..{classes} or {IGNORE}"
        )
