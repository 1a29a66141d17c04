"""IRN as a refiner: scores walk where no class boundary is; boundaries are learnt from scores."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from wsss_irn.settings import IrnSettings

if TYPE_CHECKING:
    from wsss_harness import ClassScores, Run, Sample, View
    from wsss_irn.inference import Explained


@dataclass(frozen=True, kw_only=True)
class Irn(IrnSettings):
    """Ahn, Cho and Kwak, "Weakly Supervised Learning of Instance Segmentation with Inter-pixel
    Relations", CVPR 2019, for semantic masks, after any generator.

    The refined scores bring the constant background of the released masks, so the background rule
    "explicit" gives these. The branch of displacements is left out: it separates instances, and
    shares no trained parameter with the boundaries.
    """

    paper: ClassVar[str] = "Ahn et al., CVPR 2019"
    golden: ClassVar[tuple[str, ...]] = ("irn", "random_walk")

    def fit(self, data: View, scores: Callable[[str], ClassScores], run: Run) -> None:
        """Train, and write weights.pth and network.json."""
        from wsss_irn import fitting

        self.train_network(
            data, run, lambda network: fitting.learn(self, network, data, scores, run)
        )

    def load(self, folder: Path, device: str) -> Callable[[Sample, ClassScores], ClassScores]:
        from wsss_irn.inference import EdgeWalker

        return EdgeWalker(self.trained(folder, device), self)

    def explain(
        self, folder: Path, device: str
    ) -> Callable[[Sample, ClassScores], Sequence[Explained]]:
        """The boundaries of an image, which stop the walk."""
        from wsss_irn.inference import explainer

        return explainer(self.trained(folder, device), self)
