"""The weights that a suite gives to a method, by the names under which the method knows them."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from wsss_harness.contract.kinds import IMAGE_LABELS
from wsss_harness.contract.weights import BACKBONE, READ
from wsss_harness.stages.stage_files import StageFiles
from wsss_harness.store.stage import Stage


@dataclass(frozen=True)
class SuiteWeights:
    """Weights of a suite: a file, or the stage of a pretraining.

    ``identity`` goes into cache keys and records. ``kind`` is in notes alone: it decides no result.
    """

    identity: Mapping[str, Any]
    kind: str = IMAGE_LABELS
    file: Path | None = None
    stage: Stage | None = None


@dataclass(frozen=True)
class GivenWeights:
    """Weights by name. ``before``: begins the names of inputs and of what a ledger notes."""

    by_name: Mapping[str, SuiteWeights] = field(default_factory=dict)
    before: str = ""

    def only(self, names: Collection[str], before: str = "") -> "GivenWeights":
        """Those with these names."""
        kept = {name: given for name, given in self.by_name.items() if name in names}
        return GivenWeights(kept, before)

    @property
    def options(self) -> dict[str, Any]:
        """What decides results: the backbone as ``weights``, all others by name as ``files``."""
        identities = {name: dict(given.identity) for name, given in self.by_name.items()}
        backbone = identities.pop(BACKBONE, None)
        own = {} if backbone is None else {"weights": backbone}
        return {**own, **({"files": identities} if identities else {})}

    @property
    def inputs(self) -> dict[str, Stage]:
        """The pretrainings among them, as inputs of a stage."""
        made = {name: given.stage for name, given in self.by_name.items() if given.stage}
        return {self._input(name): stage for name, stage in made.items()}

    def _input(self, name: str) -> str:
        return f"{self.before}weights" + (f" {name}" if name != BACKBONE else "")

    @property
    def files(self) -> StageFiles:
        """The files, as a stage hands them to its method."""
        return StageFiles(
            {name: given.file for name, given in self.by_name.items() if given.file},
            {name: self._input(name) for name, given in self.by_name.items() if given.stage},
            f"{self.before}{READ}",
        )

    @property
    def note(self) -> dict[str, dict[str, Any]]:
        """What records say of each, by what a ledger notes when it is read."""
        return {
            f"{self.before}{READ}{name}": {
                **given.identity,
                "kind": given.kind,
                **({"input": self._input(name)} if given.stage else {}),
            }
            for name, given in self.by_name.items()
        }
