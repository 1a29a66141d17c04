"""ICD: class maps beside a discriminator within each class, taught by superpixels."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from wsss_icd.settings import IcdSettings

if TYPE_CHECKING:
    from wsss_harness import ClassScores, Run, Sample, View
    from wsss_icd.network import IcdNetwork


@dataclass(frozen=True, kw_only=True)
class Icd(IcdSettings):
    """Fan et al., "Learning Integral Objects with Intra-Class Discriminator for Weakly-Supervised
    Semantic Segmentation", CVPR 2020.

    The regions of a suite teach the network in training alone; scores do not read them.
    """

    paper: ClassVar[str] = "Fan et al., CVPR 2020"
    golden: ClassVar[tuple[str, ...]] = ("icd", "icd2")

    def start(self, network: IcdNetwork, run: Run) -> None:
        from wsss_icd import fitting

        fitting.start(network, run)

    def fit(self, data: View, run: Run) -> None:
        """Train, or load a checkpoint; write weights.pth and network.json."""
        from wsss_icd import fitting

        self.train_network(data, run, lambda network: fitting.learn(self, network, data, run))

    def load(self, folder: Path, device: str) -> Callable[[Sample], ClassScores]:
        from wsss_icd.inference import IcdScorer

        return IcdScorer(self.trained(folder, device), self.canvas, self.seeds == "released")
