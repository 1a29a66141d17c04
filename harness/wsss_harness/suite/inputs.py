"""What the stages of a suite start from: its data, its initial weights, and what plugins get."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import asdict
from functools import cached_property
from pathlib import Path
from typing import Any

from wsss_harness.contract.errors import ConfigError
from wsss_harness.contract.hookspecs import Run
from wsss_harness.contract.supervision import IMAGE_LABELS, Dataset, View
from wsss_harness.plugins.options import construct
from wsss_harness.plugins.registry import Plugins
from wsss_harness.stages import work as stages
from wsss_harness.store.source_digest import CORE, NETWORK_CODE, package_of
from wsss_harness.store.stage import Stage, Work
from wsss_harness.suite import saliency_maps as detectors
from wsss_harness.suite.initial_weights import NO_WEIGHTS, Initial, from_file
from wsss_harness.suite.saliency_maps import WithSaliency
from wsss_harness.suite.spec import Axis, Offered, Suite, Weights
from wsss_harness.system.memo import memoize

BACKBONE = "backbone.pth"  # what a pretraining writes
TRAIN, SCORED, VAL = "train", "scored", "val"


class Sources:
    """The stages of a suite that no row changes, for one repetition, which ``seed`` numbers."""

    def __init__(self, suite: Suite, plugins: Plugins, seed: int) -> None:
        self.suite = suite
        self.plugins = plugins
        self.seed = seed
        self.seeds = suite.seeds_of(seed)

    @cached_property
    def data(self) -> Stage:
        return self.data_of(self.suite.dataset)

    def data_of(self, offered: Offered) -> Stage:
        source = self._source(offered)
        identity = source.identity() if hasattr(source, "identity") else asdict(source)

        def make(work: Work) -> None:
            source.prepare(Run(work.folder, progress=work.progress))

        return Stage("data", offered.name, make, identity, (*CORE, package_of(source)))

    def _source(self, offered: Offered) -> Any:
        return self.plugins.build("dataset", offered.name, offered.options)

    def open(self, work: Work, saliency: str | None = None) -> Dataset:
        """The dataset of a stage, with the saliency maps of this name if one is given."""
        dataset = self.opened(work.inputs["data"])
        if saliency is None:
            return dataset
        named: Dataset = WithSaliency(dataset, Path(self.suite.saliency[saliency].folder))
        return named

    @memoize
    def maps(self, saliency: str | None) -> dict[str, Any]:
        """What the options of a stage say of the saliency maps it reads; {} of the dataset's."""
        if saliency is None:
            return {}
        return {"saliency": detectors.identity(saliency, self.suite.saliency[saliency])}

    def opened(self, folder: Path) -> Dataset:
        """The dataset whose stage lies in ``folder``."""
        dataset: Dataset = self._source(self.suite.dataset).open(folder)
        return dataset

    @memoize
    def weights(self, label: str | None) -> Initial:
        if label is None:
            return NO_WEIGHTS
        spec = self.suite.weights[label]
        return from_file(label, spec) if spec.file else self._pretrained(label, spec)

    def _pretrained(self, label: str, spec: Weights) -> Initial:
        from wsss_harness.networks.classmaps.pretraining import Pretraining

        if spec.dataset is None or spec.pretraining is None:
            raise ConfigError(f"weights '{label}' need either a file or dataset and pretraining")
        offered, options = spec.dataset, spec.pretraining
        pretraining = construct(f"pretraining of weights '{label}'", Pretraining, options)

        def make(work: Work) -> None:
            data = self._source(offered).open(work.inputs["data"])
            view = View(data, TRAIN, {IMAGE_LABELS}, work.ledger, f"pretraining of '{label}'")
            pretraining.fit(view, self.run(work, "weights"))

        inputs = {"data": self.data_of(offered)}
        recipe = {**asdict(pretraining), "seed": self.seeds["weights"]}
        stage = Stage(
            "pretrain", label, make, recipe, NETWORK_CODE, inputs, heavy=True, distributed=True
        )
        identity = {"name": label, "trained_on": spec.trained_on}
        return Initial(identity, {"weights": stage}, lambda w: w.inputs["weights"] / BACKBONE)

    # What plugins get

    def view(
        self,
        work: Work,
        split: str,
        needs: Collection[str],
        owner: str,
        saliency: str | None = None,
    ) -> View:
        return View(self.open(work, saliency), split, needs, work.ledger, owner)

    def run(self, work: Work, axis: Axis, initial: Initial = NO_WEIGHTS) -> Run:
        path = initial.path(work)
        return Run(work.folder, self.seeds[axis], stages.device(), path, work.progress)
