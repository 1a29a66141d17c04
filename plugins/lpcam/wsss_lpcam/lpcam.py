"""LPCAM as a generator: it trains nothing, but reads the network of another generator."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from wsss_lpcam.settings import LpcamSettings

if TYPE_CHECKING:
    from wsss_harness import ClassScores, Run, Sample, View


@dataclass(frozen=True, kw_only=True)
class Lpcam(LpcamSettings):
    """Chen and Sun, "Extracting Class Activation Maps from Non-Discriminative Features as well",
    CVPR 2023.

    The local features of each class are clustered, those where the scores of the ``previous``
    generator are high and those where they are low. Centres that its classifier judges to be of the
    class attract, centres of its context repel. Defaults are those of zhaozhengChen/LPCAM:
    step/make_lpcam.py; those for MS-COCO, step_coco/make_lpcam.py, are in docs/methods.md.
    """

    paper: ClassVar[str] = "Chen and Sun, CVPR 2023"
    golden: ClassVar[tuple[str, ...]] = ("lpcam",)
    needs: ClassVar[frozenset[str]] = frozenset({"image_labels"})
    follows: ClassVar[str] = "cam_irn"
    at_inference: ClassVar[frozenset[str]] = frozenset({"scales", "sums"})
    quick: ClassVar[Mapping[str, Any]] = {"clusters": 2, "scales": (1.0,)}

    def fit(self, data: View, run: Run) -> None:
        """Write the centres of each class, and the backbone and classifier that they are of."""
        from wsss_lpcam.fitting import fit

        fit(self, data, run)

    def load(self, folder: Path, device: str) -> Callable[[Sample], ClassScores]:
        from wsss_lpcam.inference import scorer

        return scorer(self, folder, device)
