"""MCIS: class maps of what images share with others of the same class."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from wsss_harness import write_json
from wsss_mcis.settings import SEED, McisSettings

if TYPE_CHECKING:
    from wsss_harness import ClassScores, Run, Sample, View


@dataclass(frozen=True, kw_only=True)
class Mcis(McisSettings):
    """Sun et al., "Mining Cross-Image Semantics for Weakly Supervised Semantic Segmentation",
    ECCV 2020.

    An image is scored beside copies of itself and images of train that share its classes. The
    background rule "soft_saliency" paints the released masks.
    """

    paper: ClassVar[str] = "Sun et al., ECCV 2020"
    golden: ClassVar[tuple[str, ...]] = ("mcis", "mcis2")
    needs_train: ClassVar[bool] = True

    def fit(self, data: View, run: Run) -> None:
        """Train, or load a checkpoint; write weights.pth, network.json and seed.json."""
        from wsss_mcis import fitting

        self.train_network(data, run, lambda network: fitting.learn(self, network, data, run))
        write_json(run.folder / SEED, run.seed)

    def load(self, folder: Path, device: str, train: View) -> Callable[[Sample], ClassScores]:
        from wsss_mcis.inference import scorer

        return scorer(self, folder, device, train)
