"""The stages of a suite's rows: which exist, what each reads, and what decides its bytes."""

from __future__ import annotations

from functools import partial
from typing import Any

from wsss_harness.contract.hookspecs import Metric
from wsss_harness.metrics import METRICS
from wsss_harness.stages.bounds import (
    BOUNDS,
    OF_SALIENCY,
    STRIDES,
    SUPERVISED,
    Bound,
    PaintBound,
    PaintSeeds,
    perfect_seed,
    whole_truth,
)
from wsss_harness.stages.masks import PaintMasks
from wsss_harness.stages.measuring import JudgeSaliency, MeasureMasks
from wsss_harness.stages.measuring_predictions import MeasurePredictions
from wsss_harness.stages.stage_data import SCORED, TRAIN, VAL
from wsss_harness.stages.thresholds import ChooseThresholds
from wsss_harness.store.stage import Stage
from wsss_harness.suite.methods import MethodStages
from wsss_harness.suite.rows import RowStages, SegmentationStages, named_after
from wsss_harness.suite.spec import Row
from wsss_harness.system.memo import memoize


class Graph(MethodStages):
    """Builds the stages of a suite for one seed. Stages of equal keys are one stage."""

    def row(self, row: Row) -> RowStages:
        scores, explanations = self.scores(row)
        curve = self.curve(scores)
        masks = self.masks(row, scores, curve)
        return self.measured(
            row,
            masks,
            scores=scores,
            curve=curve,
            segmentations=tuple(self.segmentation(label, masks) for label in row.segmentors),
            explained=explanations,
        )

    def scores(self, row: Row) -> tuple[Stage, tuple[Stage, ...]]:
        """The stage of the last scores of a row, and those that show how its refiners decide."""
        stage, explanations = self.generator(row.generator), []
        for label in row.refiners:
            refined = self.refined(label, stage)
            stage = refined.scores
            explanations += [refined.explanation] if refined.explanation else []
        return stage, tuple(explanations)

    @memoize
    def curve(self, scores: Stage) -> Stage:
        """Masks of all thresholds, counted."""
        held_out = self.suite.held_out
        return Stage(
            kind="curve",
            name=scores.name,
            body=ChooseThresholds(self.stage_data(), held_out),
            options={"held_out": held_out},
            inputs={"data": self.data, "scores": scores},
        )

    def masks(self, row: Row, scores: Stage, curve: Stage) -> Stage:
        """The pseudo-masks of a row."""
        rule, choice = row.rule.built, row.rule.choice
        view = self.view(TRAIN, rule.needs, f"background rule '{row.rule.name}'", row.saliency)
        inputs = {"data": self.data, "scores": scores}
        return Stage(
            kind="mask",
            name=scores.name,
            body=PaintMasks(rule, view, choice),
            options=row.rule.model_dump(exclude_none=True) | self.saliency_identity(row.saliency),
            inputs=inputs | ({"curve": curve} if choice else {}),
            note={"needs": sorted(rule.needs)},
        )

    def segmentation(self, label: str, masks: Stage) -> SegmentationStages:
        segmented = self.segmented(label, masks)
        counts = self.counts(segmented.predictions, VAL)
        return SegmentationStages(label, segmented.fit, segmented.predictions, counts)

    # What is counted

    def measured(self, row: Row, masks: Stage, **stages: Any) -> RowStages:
        """The stages of a row, with what metrics count of its masks."""
        return RowStages(
            row=row,
            seed=self.seed,
            masks=masks,
            counts=self.counts(masks, SCORED),
            further=self.further(masks),
            **stages,
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
        )

    def further(self, masks: Stage) -> dict[str, Stage]:
        """What each metric of a plugin counts, apart: one that fails or is new moves no other."""
        return {
            name: self.plugin_counts(name, offer.made, masks)
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
        )

    @memoize
    def saliency(self, label: str | None) -> Stage:
        """How good saliency maps are; for the records, no method sees it."""
        return Stage(
            kind="saliency",
            name=label or self.suite.dataset.name,
            body=JudgeSaliency(self.stage_data(label)),
            options=self.saliency_identity(label),
            inputs={"data": self.data},
        )

    # What no method can be

    def bound(self, method: str, saliency: str | None) -> RowStages:
        """A row whose masks are made from the truth, or from nothing."""
        paint = {**BOUNDS, **OF_SALIENCY}[method]
        method = named_after(method, saliency)
        masks = self.painted(method, paint, saliency)
        row = Row(method=method, generator="", saliency=saliency, control=True)
        return self.measured(row, masks)

    def supervised(self, segmentors: tuple[str, ...]) -> RowStages:
        """Segmentors that are trained on the truth."""
        masks = self.painted("truth", whole_truth, whole_train=True)
        row = Row(method=SUPERVISED, generator="", segmentors=segmentors, control=True)
        trained = tuple(self.segmentation(label, masks) for label in segmentors)
        return self.measured(row, masks, segmentations=trained)

    def painted(
        self, name: str, paint: Bound, saliency: str | None = None, whole_train: bool = False
    ) -> Stage:
        split = {"split": TRAIN} if whole_train else {}
        return Stage(
            kind="bound",
            name=name,
            body=PaintBound(self.stage_data(saliency), paint, whole_train),
            options=split | self.saliency_identity(saliency),
            inputs={"data": self.data},
            note={"needs": []},
        )

    def perfect(self, row: Row) -> RowStages:
        """What the last refiner of a row, as it was trained there, makes of a perfect seed."""
        *before, label = row.refiners
        learnt, _ = self.scores(row.model_copy(update={"refiners": tuple(before)}))
        scores = self.refined(label, learnt, self.perfect_seeds()).scores
        curve = self.curve(scores)
        method = f"Perfect seed + {label}" + (f", saliency {row.saliency}" if row.saliency else "")
        row = Row(method=method, generator="", rule=row.rule, saliency=row.saliency, control=True)
        return self.measured(row, self.masks(row, scores, curve), scores=scores, curve=curve)

    def perfect_seeds(self) -> Stage:
        return Stage(
            kind="bound",
            name="perfect seed",
            body=PaintSeeds(self.stage_data(), partial(perfect_seed, STRIDES[0])),
            options={"split": TRAIN},
            inputs={"data": self.data},
            note={"needs": []},
        )
