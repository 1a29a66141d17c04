"""The stage that paints pseudo-masks from scores."""

from dataclasses import dataclass, replace
from typing import Any

from wsss_harness.contract.supervision import View
from wsss_harness.stages.background_rules import BackgroundRule, to_mask
from wsss_harness.stages.products import MASK, THRESHOLDS, remaining, score_reader
from wsss_harness.stages.stage_data import StageView
from wsss_harness.store.work import Work
from wsss_harness.system import files, pictures


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
        pictures.write_mask(path, to_mask(scores(image_id), rule, view[image_id]))
