"""The refiner `patch_affinity`: scores spread by the attention that a generator leaves."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from wsss_harness import require_option

if TYPE_CHECKING:
    from wsss_harness import ClassScores, Run, Sample, View

PATCH = 8  # pixels, of examples


@dataclass(frozen=True)
class PatchAffinity:
    """Xu et al., "Multi-class Token Transformer ...", CVPR 2022, section 3.4, on merged scores.

    Formulas are in wsss_mctformer.spreading. ``rounds``: how often scores spread. A generator that
    spreads its own maps, as those of MCTformer do by default, then does so twice.
    """

    paper: ClassVar[str] = "Xu et al., CVPR 2022"
    golden: ClassVar[tuple[str, ...]] = ("mctformer",)
    needs: ClassVar[frozenset[str]] = frozenset()
    wants: ClassVar[frozenset[str]] = frozenset({"affinity"})
    parallel: ClassVar[bool] = True

    rounds: int = 1

    def __post_init__(self) -> None:
        require_option(self, "rounds", self.rounds > 0, "at least 1")

    def fit(self, data: View, scores: Callable[[str], ClassScores], run: Run) -> None:
        """Do nothing: it is not trained."""

    def load(self, folder: Path, device: str) -> Callable[[Sample, ClassScores], ClassScores]:
        from wsss_mctformer.spreading import spread

        def refine(sample: Sample, scores: ClassScores) -> ClassScores:
            from wsss_harness import ClassScores as Scores

            if not scores.classes:
                return scores
            values = spread(scores.values, scores.arrays["affinity"], self.rounds)
            return Scores(scores.classes, values)

        return refine

    @staticmethod
    def example_arrays(height: int, width: int) -> Mapping[str, Any]:
        import numpy as np

        grid = (max(height // PATCH, 1), max(width // PATCH, 1))
        return {"affinity": np.ones((*grid, *grid), np.float32)}
