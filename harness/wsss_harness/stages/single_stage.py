"""The segmentor ``single_stage``: the network of the row's own generator segments images too."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wsss_harness.contract.errors import PluginError
from wsss_harness.contract.hookspecs import Run
from wsss_harness.contract.supervision import View
from wsss_harness.contract.types import Mask, Sample
from wsss_harness.contract.weights import wanted_weights

NAME = "single_stage"


@dataclass(frozen=True)
class SingleStage:
    """Stands in a suite for what the row's generator learnt; nothing is trained on masks.

    Rows with this segmentor need a generator with ``load_segmentor``, and no refiners.
    """

    def fit(self, data: View, masks: Path, run: Run) -> None:
        raise PluginError(f"segmentor '{NAME}' is not trained: its generator was")

    def load(self, folder: Path, device: str) -> Callable[[Sample], Mask]:
        raise PluginError(f"segmentor '{NAME}' is loaded by the generator that was trained")


@dataclass(frozen=True)
class SegmentingGenerator:
    """A single-stage generator as the segmentor that it is as well."""

    generator: Any

    @property
    def wants_weights(self) -> tuple[str, ...]:
        return wanted_weights(self.generator)

    def load(self, folder: Path, device: str, **files: Any) -> Callable[[Sample], Mask]:
        """The function that segments one image without its labels; it gets ``files`` as others."""
        function: Callable[[Sample], Mask]
        function = self.generator.load_segmentor(folder, device, **files)
        return function
