"""The stages of generators, refiners and segmentors: each is fitted, then applied to images."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from types import MappingProxyType
from typing import Any

from wsss_harness.contract.weights import check_weights, wanted_weights
from wsss_harness.plugins.options import divided
from wsss_harness.stages.arrays import INPUT
from wsss_harness.stages.explanations import ExplainRefiner
from wsss_harness.stages.fitting import FitGenerator, FitRefiner, FitSegmentor, Training
from wsss_harness.stages.predicting import PredictMasks
from wsss_harness.stages.refining import RefineScores
from wsss_harness.stages.scoring import ScoreImages
from wsss_harness.stages.single_stage import SegmentingGenerator
from wsss_harness.stages.stage_data import TRAIN, VAL, StageView
from wsss_harness.store.stage import Stage, Workplace
from wsss_harness.store.work import Work
from wsss_harness.suite.array_chain import check_wants, left_by, wanted_by
from wsss_harness.suite.environments import environment_identity, place_of
from wsss_harness.suite.generator_checks import check_follows, check_single_stage
from wsss_harness.suite.given_weights import GivenWeights
from wsss_harness.suite.scoring import of_weights
from wsss_harness.suite.shared_options import GeneratorOptions
from wsss_harness.suite.sources import RegionSource
from wsss_harness.suite.spec import Axis, Row
from wsss_harness.system.memo import memoize


@dataclass(frozen=True, eq=False)
class Method:
    """A plugin of a suite, built, with everything that decides its results.

    ``sources`` identify the texts it reads, and the saliency maps if they are not the dataset's
    own; ``regions`` are what it reads of regions. ``note`` is kept in manifests.
    ``place`` is where its stages run, if not in this environment.
    """

    plugin: Any
    view: StageView
    weights: GivenWeights
    seed: int
    sources: Mapping[str, Any] = field(default_factory=dict)
    regions: RegionSource = field(default_factory=RegionSource)
    note: Mapping[str, Any] = field(default_factory=dict)
    place: Workplace | None = None

    @cached_property
    def fit_options(self) -> dict[str, Any]:
        """What decides its fit: options, seed, weights, and what the plugin says of itself."""
        options, _ = divided(self.plugin)
        options |= {"seed": self.seed, "weights": {}, **self.weights.options}
        identity = self.plugin.identity() if hasattr(self.plugin, "identity") else {}
        return {**options, **identity, **self.sources, **self.regions.identity}

    @property
    def training(self) -> Training:
        return Training(self.view, self.seed, self.weights.files)

    @property
    def loaded_weights(self) -> GivenWeights:
        """The weights that its ``load`` gets."""
        return self.weights.only(wanted_weights(self.plugin))

    @property
    def weights_before(self) -> GivenWeights:
        """The weights that the fit of a method that builds on this one loads it with."""
        return self.weights.only(wanted_weights(self.plugin), "previous ")

    def fit(
        self,
        kind: str,
        name: str,
        body: Callable[[Work], None],
        inputs: Mapping[str, Stage],
        subject: str = "",
        previous: Method | None = None,
    ) -> Stage:
        """The stage that trains it; its weights are added to ``inputs``.

        It may load the method ``previous``, so the options that only loading looks at count too.
        """
        loaded = {} if previous is None else {"previous": divided(previous.plugin)[1]}
        before = GivenWeights() if previous is None else previous.weights_before
        return Stage(
            kind=kind,
            name=name,
            body=body,
            options={**self.fit_options, **loaded},
            inputs={**inputs, **self.weights.inputs, **before.inputs, **self.regions.inputs},
            note={**self.note, "weights": {**self.weights.note, **before.note}},
            scoring=of_weights(self.note, self.view.data),
            subject=subject,
            heavy=True,
            distributed=bool(getattr(self.plugin, "distributed", False)) and self.place is None,
            place=self.place,
        )

    def apply(
        self,
        kind: str,
        name: str,
        body: Callable[[Work], None],
        inputs: Mapping[str, Stage],
        *,
        split: str = "",
        subject: str = "",
        images: bool = True,
        others: Mapping[str, Any] = MappingProxyType({}),
    ) -> Stage:
        """A stage that applies what it learnt, image by image; ``others`` are options as well."""
        _, options = divided(self.plugin)
        options |= {"split": split, **others} if split else dict(others)
        weights = self.loaded_weights
        return Stage(
            kind=kind,
            name=name,
            body=body,
            options={**options, **weights.options, **self.sources, **self.regions.identity},
            inputs={**inputs, **weights.inputs, **self.regions.inputs},
            note={**self.note, "weights": weights.note},
            subject=subject,
            heavy=True,
            images=images,
            place=self.place,
        )


@dataclass(frozen=True, eq=False)
class Refined:
    """Refined scores, and the stage that explains them if the refiner can."""

    scores: Stage
    explanation: Stage | None = None


class MethodStages(GeneratorOptions):
    """The stages of each method of a suite."""

    @memoize
    def generated(self, label: str) -> Stage:
        """The scores of a generator."""
        generator, fit = self.fitted(label)
        inputs = {"data": self.data, "fit": fit}
        files, keeps = generator.loaded_weights.files, self.keeps(generator.plugin)
        body = ScoreImages(generator.plugin, generator.view, files, keeps)
        kept = {"keeps": list(keeps)} if keeps else {}
        return generator.apply("score", fit.name, body, inputs, split=TRAIN, others=kept)

    def keeps(self, generator: Any) -> tuple[str, ...]:
        """The arrays of a generator that are kept, because a refiner of the suite wants them."""
        leaves = left_by(generator)
        offers = self.suite.refiners.items() if leaves else ()
        refiners = [self.built("refiner", label, o.options) for label, o in offers]
        return tuple(sorted(leaves & {name for r in refiners for name in wanted_by(r)}))

    @memoize
    def fitted(self, label: str) -> tuple[Method, Stage]:
        """A generator and the stage that trains it, after the one that it builds on."""
        offered = self.suite.generators[label]
        self.check_shared()
        generator = self.method("generator", label, self.generator_options(label))
        check_follows(generator.plugin, label, offered.previous)
        inputs, body = {"data": self.data}, FitGenerator(generator.plugin, generator.training)
        before = None
        if offered.previous is not None:
            before, inputs["previous"] = self.fitted(offered.previous)
            body = replace(body, previous=before.plugin, files_before=before.weights_before.files)
        return generator, generator.fit("fit", offered.name, body, inputs, previous=before)

    @memoize
    def refined(
        self, label: str, scores: Stage, generator: str, seeds: Stage | None = None
    ) -> Refined:
        """A refiner trained on ``scores``, applied to them or to ``seeds`` instead.

        ``generator``: the label of that of the row, whose arrays it may want.
        """
        offered = self.suite.refiners[label]
        refiner = self.method("refiner", label, self.suite.refiners[label].options)
        plugin, before, wants = refiner.plugin, seeds or scores, wanted_by(refiner.plugin)
        arrays = {INPUT: self.generated(generator)} if wants else {}
        fit_inputs = {"data": self.data, "scores": scores, **arrays}
        body = FitRefiner(plugin, refiner.training, wants)
        fit = refiner.fit("fit", f"{scores.name}+{offered.name}", body, fit_inputs)
        name = f"{before.name}+{offered.name}"
        inputs = {"data": self.data, "scores": before, "fit": fit, **arrays}
        parts = plugin, refiner.view, refiner.loaded_weights.files, wants
        stage = refiner.apply("refine", name, RefineScores(*parts), inputs)
        if not hasattr(plugin, "explain"):
            return Refined(stage)
        explain = ExplainRefiner(*parts)
        return Refined(stage, refiner.apply("explain", name, explain, inputs, images=False))

    def check_arrays(self, row: Row) -> None:
        """Refuse a row with a refiner that wants arrays which its generator does not leave."""
        for label in self.suite.chain_of(row)[0]:
            offered = self.suite.refiners[label]
            refiner = self.built("refiner", label, offered.options)
            if wanted_by(refiner):
                generator, _ = self.fitted(row.generator)
                check_wants(label, refiner, row, left_by(generator.plugin))

    def segmented(self, label: str, masks: Stage) -> tuple[Stage, Stage]:
        """The fit of a segmentor on ``masks``, and its predictions on val."""
        segmentor = self.segmentor(label)
        plugin, subject = segmentor.plugin, masks.name
        body = FitSegmentor(plugin, segmentor.training)
        inputs = {"data": self.data, "masks": masks}
        fit = segmentor.fit("segment", label, body, inputs, subject)
        view = self.view(VAL, (), f"segmentor '{label}'")
        inputs = {"data": self.data, "fit": fit}
        predict = PredictMasks(plugin, view, segmentor.loaded_weights.files)
        predictions = segmentor.apply("predict", label, predict, inputs, split=VAL, subject=subject)
        return fit, predictions

    def self_segmented(self, label: str, row: Row) -> tuple[Stage, Stage]:
        """The fit of the row's generator, and what it predicts on val without labels."""
        generator, fit = self.fitted(row.generator)
        check_single_stage(generator.plugin, label, row)
        view = self.view(VAL, (), f"generator '{row.generator}'")
        files = generator.loaded_weights.files
        body = PredictMasks(SegmentingGenerator(generator.plugin), view, files)
        inputs = {"data": self.data, "fit": fit}
        return fit, generator.apply("predict", label, body, inputs, split=VAL, subject=fit.name)

    @memoize
    def segmentor(self, label: str) -> Method:
        """The segmentor of this label, built once for all masks; it sees images only."""
        offered, owner = self.suite.segmentors[label], f"segmentor '{label}'"
        plugin = self.built("segmentor", label, offered.options)
        check_weights(plugin, offered.named_weights, owner)
        return Method(
            plugin=plugin,
            view=self.view(TRAIN, (), owner),
            weights=self.given_weights(offered),
            seed=self.seeds["segmentor"],
            sources=environment_identity(offered),
            note={"needs": []},
            place=place_of(offered),
        )

    def method(self, kind: Axis, label: str, options: Mapping[str, Any]) -> Method:
        """A generator or a refiner; on train it sees the supervision that it declares."""
        offered, plugin = self.offered(kind, label), self.built(kind, label, options)
        note: dict[str, Any] = {"needs": sorted(plugin.needs)}
        note["also"] = self.also(offered.saliency, offered.regions)
        note["stated"] = list(getattr(plugin, "stated", ()))
        note["selected_on"] = [split] if (split := getattr(plugin, "selected_on", "")) else []
        if kind == "generator":
            note["chosen_on"] = getattr(plugin, "chosen_on", "fixed")
        owner = f"{kind} '{offered.name}'"
        check_weights(plugin, offered.named_weights, owner)
        regions = self.regions_for(owner, plugin.needs, offered)
        return Method(
            plugin=plugin,
            view=self.view(TRAIN, plugin.needs, owner, offered.saliency, regions.folder),
            weights=self.given_weights(offered),
            seed=self.seeds[kind],
            sources={
                **self.saliency_identity(offered.saliency),
                **self.texts_identity(plugin.needs),
                **environment_identity(offered),
            },
            regions=regions,
            note=note,
            place=place_of(offered),
        )
