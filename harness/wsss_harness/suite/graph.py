"""The stages of a suite's rows: which exist, what each reads, and what decides its bytes."""

from __future__ import annotations

from functools import partial
from typing import Any

from wsss_harness.stages import single_stage
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
from wsss_harness.stages.stage_data import SCORED, TRAIN, VAL
from wsss_harness.store.stage import Stage
from wsss_harness.suite.mask_refiners import RefinedMasks
from wsss_harness.suite.names import of_maps, of_perfect_seed
from wsss_harness.suite.rows import RowStages, SegmentationStages
from wsss_harness.suite.spec import Row


class Graph(RefinedMasks):
    """Builds the stages of a suite for one seed. Stages with equal keys are one stage."""

    def row(self, row: Row) -> RowStages:
        scores, explanations = self.scores(row)
        curve = self.curve(scores)
        masks = self.masks(row, scores, curve)
        for label in self.suite.chain_of(row)[1]:
            masks = self.refined_masks(label, masks, TRAIN)
        return self.measured(
            row,
            masks,
            scores=scores,
            curve=curve,
            segmentations=tuple(self.segmentation(label, masks, row) for label in row.segmentors),
            explained=explanations,
        )

    def scores(self, row: Row) -> tuple[Stage, tuple[Stage, ...]]:
        """The last scores of a row, and the stages that explain its refiners."""
        self.check_arrays(row)
        stage, explanations = self.generated(row.generator), []
        for label in self.suite.chain_of(row)[0]:
            refined = self.refined(label, stage, row.generator)
            stage = refined.scores
            explanations += [refined.explanation] if refined.explanation else []
        return stage, tuple(explanations)

    def masks(self, row: Row, scores: Stage, curve: Stage) -> Stage:
        rule, choice = row.rule.built, row.rule.choice
        view = self.view(TRAIN, rule.needs, f"background rule '{row.rule.name}'", row.saliency)
        inputs = {"data": self.data, "scores": scores}
        return Stage(
            kind="mask",
            name=scores.name,
            body=PaintMasks(rule, view, choice),
            options=row.rule.model_dump(exclude_none=True) | self.saliency_identity(row.saliency),
            inputs=inputs | ({"curve": curve} if choice else {}),
            note={"needs": sorted(rule.needs), "also": self.also(row.saliency, None)},
        )

    def segmentation(self, label: str, masks: Stage, row: Row) -> SegmentationStages:
        """A segmentor trained on masks, and its predictions as the row refines them."""
        own = self.suite.segmentors[label].name == single_stage.NAME
        fit, predictions = self.self_segmented(label, row) if own else self.segmented(label, masks)
        for refiner in row.prediction_refiners:
            predictions = self.refined_masks(refiner, predictions, VAL)
        return SegmentationStages(label, fit, predictions, self.counts(predictions, VAL))

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

    # Rows that no method can reach

    def bound(self, method: str, saliency: str | None) -> RowStages:
        """A row whose masks are made from the truth, or from nothing."""
        paint = {**BOUNDS, **OF_SALIENCY}[method]
        method = of_maps(method, saliency)
        masks = self.painted(method, paint, saliency)
        row = Row(method=method, generator="", saliency=saliency, control=True)
        return self.measured(row, masks)

    def supervised(self, segmentors: tuple[str, ...]) -> RowStages:
        """Segmentors trained on the truth."""
        masks = self.painted("truth", whole_truth, whole_train=True)
        row = Row(method=SUPERVISED, generator="", segmentors=segmentors, control=True)
        trained = tuple(self.segmentation(label, masks, row) for label in segmentors)
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
        """A perfect seed, refined by the last refiner of a row as it was trained there."""
        *before, label = self.suite.chain_of(row)[0]
        seen, _ = self.scores(row.model_copy(update={"refiners": tuple(before)}))
        scores = self.refined(label, seen, row.generator, self.perfect_seeds()).scores
        curve = self.curve(scores)
        method = of_perfect_seed(label, row.saliency)
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
