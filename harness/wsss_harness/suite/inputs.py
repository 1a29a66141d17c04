"""What the stages of a suite start from: data, sources of supervision and weights."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

from wsss_harness.contract.errors import ConfigError, DataError
from wsss_harness.contract.supervision import IMAGE_LABELS
from wsss_harness.plugins.options import construct
from wsss_harness.stages.fitting import Pretrain, Training
from wsss_harness.stages.stage_data import TRAIN, StageData, StageView
from wsss_harness.store.stage import Stage
from wsss_harness.suite.data_stages import set_by
from wsss_harness.suite.given_weights import GivenWeights, SuiteWeights
from wsss_harness.suite.sources import Sources
from wsss_harness.suite.spec import Offered, Weights
from wsss_harness.system.digests import digest_once
from wsss_harness.system.memo import memoize


class Inputs(Sources):
    """The stages and files that methods start from."""

    def given_weights(self, offered: Offered) -> GivenWeights:
        """The weights that the suite gives to a method, by name."""
        labels = offered.named_weights
        return GivenWeights({name: self.weights(label) for name, label in labels.items()})

    @memoize
    def weights(self, label: str) -> SuiteWeights:
        """The weights of this label.

        Raises:
            ConfigError: the suite does not say where they come from.
            DataError: their file is missing.
        """
        spec = self.suite.weights[label]
        identity = {"name": label, "trained_on": spec.trained_on}
        if not spec.file:
            return SuiteWeights(identity, spec.kind, stage=self._pretraining(label, spec))
        path = Path(spec.file)
        if not path.is_file():
            raise DataError(f"weights '{label}': there is no file {path}; set weights.{label}.file")
        return SuiteWeights({**identity, "digest": digest_once(path)}, spec.kind, path)

    def _pretraining(self, label: str, spec: Weights) -> Stage:
        from wsss_harness.networks.classmaps.pretraining import Pretraining

        if spec.dataset is None or spec.pretraining is None:
            raise ConfigError(f"weights '{label}' need either a file or dataset and pretraining")
        owner = f"pretraining of '{label}'"
        with set_by(f"weights.{label}.pretraining."):
            pretraining = construct(owner, Pretraining, spec.pretraining)
        source = self.source_of(spec.dataset, f"weights.{label}.dataset.")
        seed = self.seeds["weights"]
        view = StageView(StageData(source), TRAIN, frozenset({IMAGE_LABELS}), owner)
        return Stage(
            kind="pretrain",
            name=label,
            body=Pretrain(pretraining, Training(view, seed)),
            options={**asdict(pretraining), "seed": seed},
            inputs={"data": self.data_of(spec.dataset.name, source)},
            heavy=True,
            distributed=True,
        )
