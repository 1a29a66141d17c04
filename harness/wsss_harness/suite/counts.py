"""The stages that count: masks at all thresholds, metrics, and the quality of saliency maps."""

from __future__ import annotations

from wsss_harness.contract.hookspecs import Metric
from wsss_harness.metrics import METRICS
from wsss_harness.stages.measuring import JudgeSaliency, MeasureMasks
from wsss_harness.stages.measuring_predictions import MeasurePredictions
from wsss_harness.stages.stage_data import SCORED, VAL
from wsss_harness.stages.thresholds import ChooseThresholds
from wsss_harness.store.stage import Stage
from wsss_harness.suite import scoring
from wsss_harness.suite.methods import MethodStages
from wsss_harness.system.memo import memoize


class CountStages(MethodStages):
    """The stages that compare scores, masks and saliency maps with the truth."""

    @memoize
    def curve(self, scores: Stage) -> Stage:
        """Counts of the masks at all thresholds."""
        held_out = self.suite.held_out
        return Stage(
            kind="curve",
            name=scores.name,
            body=ChooseThresholds(self.stage_data(), held_out),
            options={"held_out": held_out},
            inputs={"data": self.data, "scores": scores},
            scoring=scoring.of_thresholds(scores, self.stage_data()),
        )

    @memoize
    def counts(self, masks: Stage, split: str) -> Stage:
        """What the metrics of the harness count."""
        body = MeasurePredictions if split == VAL else MeasureMasks
        return Stage(
            kind="measure",
            name=masks.name,
            body=body(self.stage_data(), METRICS),
            options={"metrics": sorted(METRICS), "split": split},
            inputs={"data": self.data, "masks": masks},
            subject=masks.subject,
            scoring=scoring.of_masks(masks, self.stage_data(), split),
        )

    def further(self, masks: Stage) -> dict[str, Stage]:
        """A stage for each metric of a plugin, so that a failing or new one affects no other."""
        return {
            name: self.plugin_counts(name, offer.announced, masks)
            for name, offer in self.plugins.offers["metric"].items()
            if name not in METRICS
        }

    def plugin_counts(self, name: str, metric: Metric, masks: Stage) -> Stage:
        return Stage(
            kind="metric",
            name=name,
            body=MeasureMasks(self.stage_data(), {name: metric}),
            options={"split": SCORED},
            inputs={"data": self.data, "masks": masks},
            subject=masks.title,
            scoring=scoring.of_masks(masks, self.stage_data(), SCORED),
        )

    @memoize
    def saliency(self, label: str | None) -> Stage:
        """The quality of saliency maps, for the records; no method sees it."""
        return Stage(
            kind="saliency",
            name=label or self.suite.dataset.name,
            body=JudgeSaliency(self.stage_data(label)),
            options=self.saliency_identity(label),
            inputs={"data": self.data},
        )
