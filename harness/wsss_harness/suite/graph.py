"""The stages of a suite: which exist, what each reads, and what decides its bytes."""

from __future__ import annotations

from functools import partial
from typing import Any

from wsss_harness.contract.errors import ConfigError
from wsss_harness.contract.hookspecs import Metric, Segmentor
from wsss_harness.contract.supervision import scored_ids
from wsss_harness.metrics import METRICS
from wsss_harness.plugins.options import divided, names
from wsss_harness.stages import explanations
from wsss_harness.stages import work as stages
from wsss_harness.stages.background_rules import build_rule
from wsss_harness.stages.bounds import (
    BOUNDS,
    OF_SALIENCY,
    STRIDES,
    SUPERVISED,
    perfect_seed,
    whole_truth,
)
from wsss_harness.store.source_digest import (
    CORE,
    CRF_CODE,
    MEASURE_CODE,
    NETWORK_CODE,
    SEGMENTOR_CODE,
    modules,
    package_of,
)
from wsss_harness.store.stage import Stage, Work
from wsss_harness.suite.inputs import SCORED, TRAIN, VAL, Sources
from wsss_harness.suite.rows import RowStages, Segmentation, named_after
from wsss_harness.suite.spec import Row
from wsss_harness.system.memo import memoize


class Graph(Sources):
    """Builds the stages of a suite for one seed. Equal keys make equal stages one."""

    def row(self, row: Row) -> RowStages:
        scores, explained = self.scores(row)
        curve = self.curve(scores)
        masks = self.masks(row, scores, curve)
        segmentations = tuple(self.segmentation(label, masks) for label in row.segmentors)
        return RowStages(
            row,
            self.seed,
            masks,
            self.counts(masks, SCORED),
            scores,
            curve,
            segmentations,
            explained,
            self.further(masks),
        )

    # From images to scores

    def scores(self, row: Row) -> tuple[Stage, tuple[Stage, ...]]:
        """The stage of the last scores of a row, and those that show how its refiners decide."""
        stage = self.generated(row.generator)
        explained = []
        for label in row.refiners:
            stage, shown = self.refined(label, stage)
            explained += [shown] if shown else []
        return stage, tuple(explained)

    @memoize
    def generated(self, label: str) -> Stage:
        offered = self.suite.generators[label]
        options = {**self.shared(offered.name), **offered.options}
        generator = self.plugins.build("generator", offered.name, options)
        owner = f"generator '{offered.name}'"
        initial = self.weights(offered.weights)

        def fit(work: Work) -> None:
            data = self.view(work, TRAIN, generator.needs, owner, offered.saliency)
            generator.fit(data, self.run(work, "generator", initial))

        def score(work: Work) -> None:
            data = self.view(work, TRAIN, generator.needs, owner, offered.saliency)
            stages.score(work, generator, data)

        fit_options, options = divided(generator)
        fit_options |= {"seed": self.seeds["generator"], "weights": dict(initial.identity)}
        fit_options |= identity(generator) | self.maps(offered.saliency)
        code = (*NETWORK_CODE, package_of(generator))
        note: dict[str, Any] = {"needs": sorted(generator.needs)}
        note["stated"] = list(getattr(generator, "stated", ()))
        note["chosen_on"] = getattr(generator, "chosen_on", "fixed")
        inputs = {"data": self.data, **initial.inputs}
        together = distributed(generator)
        fitted = Stage(
            "fit",
            offered.name,
            fit,
            fit_options,
            code,
            inputs,
            note,
            heavy=True,
            distributed=together,
        )
        inputs = {"data": self.data, "fit": fitted}
        options |= {"split": TRAIN} | self.maps(offered.saliency)
        return Stage(
            "score", offered.name, score, options, code, inputs, note, heavy=True, images=True
        )

    @memoize
    def shared(self, name: str) -> dict[str, Any]:
        """The shared options that a generator has; ConfigError for one that none of them has."""
        named = {one.name for one in self.suite.generators.values()}
        known = {one: names(self.plugins.dataclass_of("generator", one)) for one in named}
        for option in self.suite.shared:
            if not any(option in options for options in known.values()):
                raise ConfigError(
                    f"shared.{option} is an option of none of the generators "
                    f"{', '.join(sorted(named))}; correct its name or take it out"
                )
        return {key: self.suite.shared[key] for key in self.suite.shared if key in known[name]}

    @memoize
    def refined(
        self, label: str, scores: Stage, seeds: Stage | None = None
    ) -> tuple[Stage, Stage | None]:
        """A refiner that learns from ``scores`` and refines them, or ``seeds`` in their place."""
        offered = self.suite.refiners[label]
        refiner = self.plugins.build("refiner", offered.name, offered.options)
        owner = f"refiner '{offered.name}'"
        initial = self.weights(offered.weights)

        def fit(work: Work) -> None:
            data = self.view(work, TRAIN, refiner.needs, owner, offered.saliency)
            refiner.fit(
                data, stages.reader(work.inputs["scores"]), self.run(work, "refiner", initial)
            )

        def refine(work: Work) -> None:
            data = self.view(work, TRAIN, refiner.needs, owner, offered.saliency)
            stages.refine(work, refiner, data)

        fit_options, options = divided(refiner)
        fit_options |= {"seed": self.seeds["refiner"], "weights": dict(initial.identity)}
        fit_options |= identity(refiner) | self.maps(offered.saliency)
        code = (*NETWORK_CODE, *CRF_CODE, *modules("system.parallel"), package_of(refiner))
        note: dict[str, Any] = {"needs": sorted(refiner.needs)}
        note["stated"] = list(getattr(refiner, "stated", ()))
        inputs = {"data": self.data, "scores": scores, **initial.inputs}
        name = f"{scores.name}+{offered.name}"
        together = distributed(refiner)
        fitted = Stage(
            "fit", name, fit, fit_options, code, inputs, note, heavy=True, distributed=together
        )
        begun = seeds or scores
        name = f"{begun.name}+{offered.name}"
        inputs = {"data": self.data, "scores": begun, "fit": fitted}
        options |= self.maps(offered.saliency)
        stage = Stage("refine", name, refine, options, code, inputs, note, heavy=True, images=True)
        if not hasattr(refiner, "explain"):
            return stage, None

        def explain(work: Work) -> None:
            ids = explanations.choose(self.open(work))[: explanations.EXPLAINED]
            data = self.view(work, TRAIN, refiner.needs, owner, offered.saliency)
            explanations.explain(work, refiner, data, ids, stages.device())

        code = (*code, *modules("stages.explanations"))
        return stage, Stage("explain", name, explain, options, code, inputs, note, heavy=True)

    # From scores to measured masks

    @memoize
    def curve(self, scores: Stage) -> Stage:
        def make(work: Work) -> None:
            stages.make_curve(work, self.open(work), self.suite.held_out)

        options = {"held_out": self.suite.held_out}
        return Stage("curve", scores.name, make, options, MEASURE_CODE, self._reading(scores))

    @memoize
    def saliency(self, label: str | None) -> Stage:
        """How good saliency maps are; for the records, no method sees it."""

        def make(work: Work) -> None:
            stages.judge_saliency(work, self.open(work, label))

        name, inputs = label or self.suite.dataset.name, {"data": self.data}
        return Stage("saliency", name, make, self.maps(label), MEASURE_CODE, inputs)

    def masks(self, row: Row, scores: Stage, curve: Stage) -> Stage:
        rule = row.rule
        needs = build_rule(rule.name, rule.options).needs

        def make(work: Work) -> None:
            owner = f"background rule '{rule.name}'"
            stages.make_masks(work, rule, self.view(work, TRAIN, needs, owner, row.saliency))

        inputs = self._reading(scores)
        if isinstance(rule.threshold, str):
            inputs["curve"] = curve
        options = rule.model_dump(exclude_none=True) | self.maps(row.saliency)
        code = (*CORE, "wsss_harness.stages.background_rules")
        note = {"needs": sorted(needs)}
        return Stage("mask", scores.name, make, options, code, inputs, note)

    def _reading(self, scores: Stage) -> dict[str, Stage]:
        return {"data": self.data, "scores": scores}

    def bound(self, method: str, saliency: str | None) -> RowStages:
        """A row that no method can be: its masks are made from the truth, or from nothing."""
        paint = {**BOUNDS, **OF_SALIENCY}[method]
        method = named_after(method, saliency)

        def make(work: Work) -> None:
            dataset = self.open(work, saliency)
            stages.paint_bound(work, paint, dataset, scored_ids(dataset))

        code = (*CORE, "wsss_harness.stages.bounds")
        options, inputs = self.maps(saliency), {"data": self.data}
        masks = Stage("bound", method, make, options, code, inputs, {"needs": []})
        row = Row(method=method, generator="", saliency=saliency, control=True)
        counts, further = self.counts(masks, SCORED), self.further(masks)
        return RowStages(row, self.seed, masks, counts, further=further)

    def supervised(self, segmentors: tuple[str, ...]) -> RowStages:
        """Segmentors that are trained on the truth."""

        def make(work: Work) -> None:
            dataset = self.open(work)
            stages.paint_bound(work, whole_truth, dataset, dataset.ids(TRAIN))

        code = (*CORE, "wsss_harness.stages.bounds")
        inputs = {"data": self.data}
        masks = Stage("bound", "truth", make, {"split": TRAIN}, code, inputs, {"needs": []})
        row = Row(method=SUPERVISED, generator="", segmentors=segmentors, control=True)
        trained = tuple(self.segmentation(label, masks) for label in segmentors)
        counts, further = self.counts(masks, SCORED), self.further(masks)
        return RowStages(row, self.seed, masks, counts, segmentations=trained, further=further)

    def perfect(self, row: Row) -> RowStages:
        """What the last refiner of a row, as it was trained there, makes of a perfect seed."""

        def make(work: Work) -> None:
            dataset = self.open(work)
            stages.paint_seeds(work, partial(perfect_seed, STRIDES[0]), dataset)

        *before, label = row.refiners
        code = (*CORE, "wsss_harness.stages.bounds")
        inputs = {"data": self.data}
        seeds = Stage("bound", "perfect seed", make, {"split": TRAIN}, code, inputs, {"needs": []})
        learnt, _ = self.scores(row.model_copy(update={"refiners": tuple(before)}))
        scores, _ = self.refined(label, learnt, seeds)
        curve = self.curve(scores)
        method = f"Perfect seed + {label}" + (f", saliency {row.saliency}" if row.saliency else "")
        given = row.model_dump(include={"rule", "saliency"})
        row = Row(method=method, generator="", control=True, **given)
        masks = self.masks(row, scores, curve)
        counts, further = self.counts(masks, SCORED), self.further(masks)
        return RowStages(row, self.seed, masks, counts, scores, curve, further=further)

    @memoize
    def counts(self, masks: Stage, split: str) -> Stage:
        """What the metrics of the harness count."""

        def make(work: Work) -> None:
            dataset = self.open(work)
            ids = dataset.ids(VAL) if split == VAL else scored_ids(dataset)
            stages.measure(work, METRICS, dataset, ids)
            if split == VAL:
                stages.report_by_mmseg(work, dataset)

        options = {"metrics": sorted(METRICS), "split": split}
        inputs = {"data": self.data, "masks": masks}
        code = SEGMENTOR_CODE if split == VAL else MEASURE_CODE
        return Stage("measure", masks.name, make, options, code, inputs, subject=masks.subject)

    def further(self, masks: Stage) -> dict[str, Stage]:
        """What each metric of a plugin counts: one that fails, or is new, moves no other."""
        offers = self.plugins.offers["metric"].items()
        return {
            name: self.counts_of(name, offer.made, masks)
            for name, offer in offers
            if name not in METRICS
        }

    def counts_of(self, name: str, metric: Metric, masks: Stage) -> Stage:
        def make(work: Work) -> None:
            dataset = self.open(work)
            stages.measure(work, {name: metric}, dataset, scored_ids(dataset))

        inputs = {"data": self.data, "masks": masks}
        code = (*MEASURE_CODE, package_of(metric.count))
        subject = masks.title
        return Stage("metric", name, make, {"split": SCORED}, code, inputs, subject=subject)

    @memoize
    def segmentor(self, label: str) -> tuple[Segmentor, dict[str, Any]]:
        """The segmentor of a label, built once for all masks, and its identity."""
        offered = self.suite.segmentors[label]
        built = self.plugins.build("segmentor", offered.name, offered.options)
        return built, identity(built)

    def segmentation(self, label: str, masks: Stage) -> Segmentation:
        segmentor, own = self.segmentor(label)
        owner = f"segmentor '{label}'"
        initial = self.weights(self.suite.segmentors[label].weights)

        def fit(work: Work) -> None:
            data = self.view(work, TRAIN, (), owner)
            segmentor.fit(data, work.inputs["masks"], self.run(work, "segmentor", initial))

        def predict(work: Work) -> None:
            stages.predict(work, segmentor, self.view(work, VAL, (), owner))

        options, late = divided(segmentor)
        options |= {"seed": self.seeds["segmentor"], "weights": dict(initial.identity), **own}
        code = (*SEGMENTOR_CODE, package_of(segmentor))
        note: dict[str, list[str]] = {"needs": []}
        inputs = {"data": self.data, "masks": masks, **initial.inputs}
        of = masks.name
        together = distributed(segmentor)
        fitted = Stage(
            "segment", label, fit, options, code, inputs, note, of, heavy=True, distributed=together
        )
        inputs = {"data": self.data, "fit": fitted}
        late |= {"split": VAL}
        predicted = Stage(
            "predict", label, predict, late, code, inputs, note, of, heavy=True, images=True
        )
        return Segmentation(label, fitted, predicted, self.counts(predicted, VAL))


def identity(method: Any) -> dict[str, Any]:
    """What a method says that its result depends on, beyond its options."""
    return dict(method.identity()) if hasattr(method, "identity") else {}


def distributed(method: Any) -> bool:
    """Whether a method says that its fit can be run by several processes at once."""
    return bool(getattr(method, "distributed", False))
