"""SGAN as a refiner: seeds spread between pixels that are similar, and salient alike."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from wsss_harness import read_json, write_json
from wsss_sgan.settings import CLASSES, SganSettings

if TYPE_CHECKING:
    from wsss_harness import ClassScores, Run, Sample, View


@dataclass(frozen=True, kw_only=True)
class Sgan(SganSettings):
    """Yao and Gong, "Saliency Guided Self-Attention Network for Weakly and Semi-Supervised Semantic
    Segmentation", IEEE Access 2020, after any generator.

    Scores of the generator are the initial seeds in training; afterwards they are not read. The
    scores of this refiner are its seeds, 1 or 0, with the background of saliency; the background
    rule "explicit" with ``undefined`` 0 makes pixels without a seed 255.
    """

    paper: ClassVar[str] = "Yao and Gong, IEEE Access 2020"
    golden: ClassVar[tuple[str, ...]] = ("sgan", "sgan2")

    def fit(self, data: View, scores: Callable[[str], ClassScores], run: Run) -> None:
        """Train, or load a checkpoint; write weights.pth, network.json and classes.json."""
        from wsss_sgan import fitting

        write_json(run.folder / CLASSES, list(data.classes))
        self.train_network(
            data, run, lambda network: fitting.learn(self, network, data, scores, run)
        )

    def load(self, folder: Path, device: str) -> Callable[[Sample, ClassScores], ClassScores]:
        from wsss_sgan.inference import SganSeeder, yielding_classes
        from wsss_sgan.items import Squashing

        numbers = {name: number for number, name in enumerate(read_json(folder / CLASSES), 1)}
        yielding = yielding_classes(self, numbers)
        network = self.trained(folder, device)
        return SganSeeder(network, Squashing.of(self, network.backbone), self, yielding)
