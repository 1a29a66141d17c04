"""AffinityNet as a refiner: scores walk along affinities that are learnt from the scores."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from wsss_affinity.settings import AffinitySettings

if TYPE_CHECKING:
    from wsss_affinity.inference import Explained
    from wsss_harness import ClassScores, Run, Sample, View


@dataclass(frozen=True, kw_only=True)
class AffinityNet(AffinitySettings):
    """Ahn and Kwak, "Learning Pixel-level Semantic Affinity with Image-level Supervision for
    Weakly Supervised Semantic Segmentation", CVPR 2018, before any generator.

    The refined scores bring an explicit background, so the background rule "explicit" gives the
    released masks.
    """

    paper: ClassVar[str] = "Ahn and Kwak, CVPR 2018"
    golden: ClassVar[tuple[str, ...]] = ("affinity_net", "affinity_pairs", "random_walk")

    def fit(self, data: View, scores: Callable[[str], ClassScores], run: Run) -> None:
        """Train, and write weights.pth and network.json."""
        from wsss_affinity import fitting

        self.train_network(
            data, run, lambda network: fitting.learn(self, network, data, scores, run)
        )

    def load(self, folder: Path, device: str) -> Callable[[Sample, ClassScores], ClassScores]:
        from wsss_affinity.inference import Walker

        return Walker(self.trained(folder, device), self)

    def explain(
        self, folder: Path, device: str
    ) -> Callable[[Sample, ClassScores], Sequence[Explained]]:
        """What decides the walk of an image; see inference.explainer."""
        from wsss_affinity.inference import explainer

        return explainer(self.trained(folder, device), self)
