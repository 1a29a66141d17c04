"""The files of weights that a stage hands to its method."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from wsss_harness.contract.weights import READ, Files
from wsss_harness.stages.stage_data import BACKBONE
from wsss_harness.store.work import Work


@dataclass(frozen=True)
class StageFiles:
    """``paths`` by name; those of ``pretrained`` are made by the inputs of the stage named there.

    ``prefix`` begins what its ledger notes.
    """

    paths: Mapping[str, Path] = field(default_factory=dict)
    pretrained: Mapping[str, str] = field(default_factory=dict)
    prefix: str = READ

    def open(self, work: Work, owner: str) -> Files:
        """The files for ``owner``; the ledger of the stage notes those that it takes."""
        made = {name: work.inputs[key] / BACKBONE for name, key in self.pretrained.items()}
        return Files({**self.paths, **made}, work.ledger, owner, self.prefix)
