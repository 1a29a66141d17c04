"""The refiner `par`: scores that spread between near pixels of like colour."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from wsss_harness import require_option

if TYPE_CHECKING:
    import torch

    from wsss_harness import ClassScores, Run, Sample, View
    from wsss_toco.par import Par


@dataclass(frozen=True)
class ParRefiner:
    """PAR of Ru et al., "Learning Affinity from Attention", CVPR 2022, on the scores of any stage.

    An explicit background spreads like a class. ``iterations`` of a mean over 8 neighbours at each
    of the ``dilations``, in pixels. ``weights``: they add up to 1, ``normalised``, or to 1.01, as
    ``released``; scores that grow above 1 are then cut.
    """

    paper: ClassVar[str] = "Ru et al., CVPR 2022"
    golden: ClassVar[tuple[str, ...]] = ("toco",)
    needs: ClassVar[frozenset[str]] = frozenset()
    quick: ClassVar[Mapping[str, Any]] = {"iterations": 2, "dilations": (1, 2)}

    iterations: int = 10
    dilations: tuple[int, ...] = (1, 2, 4, 8, 12, 24)
    weights: Literal["normalised", "released"] = "normalised"

    def __post_init__(self) -> None:
        require_option(self, "iterations", self.iterations >= 0, "0 or more")
        positive = bool(self.dilations) and min(self.dilations) > 0
        require_option(self, "dilations", positive, "at least one, all above 0")

    def fit(self, data: View, scores: Callable[[str], ClassScores], run: Run) -> None:
        """Do nothing: PAR is not trained."""

    def load(self, folder: Path, device: str) -> Callable[[Sample, ClassScores], ClassScores]:
        from wsss_toco.par import Par

        par = Par(self.iterations, self.dilations, normalised=self.weights == "normalised")
        return lambda sample, scores: spread(par, sample, scores, device)


def spread(par: Par, sample: Sample, scores: ClassScores, device: str) -> ClassScores:
    """Scores after PAR; an image without classes keeps its own."""
    import numpy as np
    import torch

    from wsss_harness import ClassScores

    explicit = [] if scores.background is None else [scores.background]
    stacked = np.concatenate([scores.values, *(layer[None] for layer in explicit)])
    if not len(stacked):
        return scores
    with torch.inference_mode():
        maps = par(as_colours(sample).to(device), torch.from_numpy(stacked).to(device)[None])[0]
        values = maps.clamp(0, 1).cpu().numpy()
    count = len(scores.classes)
    return ClassScores(scores.classes, values[:count], values[count] if explicit else None)


def as_colours(sample: Sample) -> torch.Tensor:
    """(1, 3, H, W) from 0 to 1."""
    import torch

    return torch.from_numpy(sample.image.copy()).permute(2, 0, 1)[None] / 255
