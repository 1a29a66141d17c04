"""The refiner `crf`: a dense CRF over the scored classes and the background."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import ClassVar

import numpy as np

from wsss_affinity.backgrounds import Background
from wsss_harness import ClassScores, ConfigError, Run, Sample, View
from wsss_harness.networks.crf import PARAMETERS, Parameters, check_name, infer, library


@dataclass(frozen=True)
class Crf:
    """A dense CRF over the scored classes and the background.

    ``parameters`` names a set of PARAMETERS and ``iterations`` replaces its number; both widths are
    divided by ``scale``, for images smaller than those of VOC. ``background`` is what stands beside
    the classes, by default as in psa and EPS.

    It gives marginals of the classes and, as an explicit map, of the background; they sum to one.
    The background rule "explicit" therefore gives the CRF's own labels. A constant threshold t asks
    for a marginal above t instead: with one class 0.5 is the same, lower ones favour the class.

    An image without any class is background. One of a single colour shows no borders, so no
    iterations are done and each pixel keeps its label.
    """

    paper: ClassVar[str] = "Kraehenbuehl and Koltun, NIPS 2011"
    needs: ClassVar[frozenset[str]] = frozenset()
    parallel: ClassVar[bool] = True
    parameters: str = "psa"
    iterations: int | None = None
    scale: float = 1.0
    background: Background = field(default_factory=Background)

    def __post_init__(self) -> None:
        check_name(self.parameters)
        if (self.iterations or 0) < 0 or self.scale <= 0:
            raise ConfigError(
                f"iterations of the CRF are {self.iterations} and its scale is {self.scale}; "
                "expected iterations of at least 0 and a scale above 0"
            )

    def fit(self, data: View, scores: Callable[[str], ClassScores], run: Run) -> None:
        """A CRF has nothing to learn."""

    def load(self, folder: Path, device: str) -> Callable[[Sample, ClassScores], ClassScores]:
        library()
        return self.refine

    def chosen(self) -> Parameters:
        named = PARAMETERS[self.parameters].at_scale(self.scale)
        return named if self.iterations is None else replace(named, iterations=self.iterations)

    def refine(self, sample: Sample, scores: ClassScores) -> ClassScores:
        if not scores.classes:
            return replace(scores, background=np.ones(scores.size, np.float32))
        probabilities = self.background.beside(scores, sample.image_id)
        found = infer(sample.image, probabilities, self.chosen())
        return ClassScores(scores.classes, found[1:], found[0])
