"""The refiner `crf`: a dense CRF over the scored classes and the background."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np

from wsss_affinity.backgrounds import Background
from wsss_harness import ClassScores, Run, Sample, View, read_json, require_option, write_json
from wsss_harness.networks.crf import PARAMETERS, Maps, Parameters, check_name, infer, library

CLASSES = "classes.json"  # the number of classes of the dataset


@dataclass(frozen=True)
class Crf:
    """A dense CRF over the scored classes and the background.

    ``parameters`` names an entry of PARAMETERS; ``iterations`` replaces its number of iterations.
    ``scale`` divides both widths, for images smaller than those of VOC. ``background`` is stacked
    on the classes, by default (1 - largest) ** 4, the smaller of the two alphas that psa
    (infer_cls.py: 4, 32) and SEAM (infer_SEAM.py: 4, 24) give to a CRF; 16 belongs to psa's walk.

    The results are marginals of the classes and, as an explicit map, of the background; they sum to
    one. The background rule "explicit" therefore gives the CRF's labels. A constant threshold t
    gives pixels with a marginal above t: for one class 0.5 is the same, and less favours the class.

    ``labels``: "all" gives the CRF every class of the dataset, as js-fan/ICD does: absent classes
    then score 0, and may win pixels where no other is likely. Seeds may leave pixels open: see
    ``undefined`` of the parameters, and of the background rule "explicit".

    An image without classes is background. An image of a single colour has no borders, so no
    iterations run and each pixel keeps its label.
    """

    paper: ClassVar[str] = "Kraehenbuehl and Koltun, NIPS 2011"
    golden: ClassVar[tuple[str, ...]] = ("crf", "icd2")
    needs: ClassVar[frozenset[str]] = frozenset()
    parallel: ClassVar[bool] = True
    parameters: str = "psa"
    iterations: int | None = None
    scale: float = 1.0
    background: Background = field(default_factory=lambda: Background(alpha=4))
    labels: Literal["present", "all"] = "present"

    def __post_init__(self) -> None:
        check_name(self.parameters)
        require_option(self, "iterations", (self.iterations or 0) >= 0, "at least 0")
        require_option(self, "scale", self.scale > 0, "above 0")

    def fit(self, data: View, scores: Callable[[str], ClassScores], run: Run) -> None:
        """Note the number of classes: a CRF is not trained."""
        write_json(run.folder / CLASSES, len(data.classes))

    def load(self, folder: Path, device: str) -> Callable[[Sample, ClassScores], ClassScores]:
        library()
        if self.labels == "present":
            return self.refine
        every_class = tuple(range(1, read_json(folder / CLASSES) + 1))
        return lambda sample, scores: self.refine(sample, extended(scores, every_class))

    def inference_parameters(self) -> Parameters:
        """The named parameters at this scale, with the number of iterations if it is set."""
        parameters = PARAMETERS[self.parameters].at_scale(self.scale)
        if self.iterations is None:
            return parameters
        return replace(parameters, iterations=self.iterations)

    def refine(self, sample: Sample, scores: ClassScores) -> ClassScores:
        if not scores.classes:
            return replace(scores, background=np.ones(scores.size, np.float32))
        probabilities = self.background.stack(scores, sample.image_id)
        marginals = infer(sample.image, probabilities, self.inference_parameters())
        return ClassScores(scores.classes, marginals[1:], marginals[0])


def extended(scores: ClassScores, classes: tuple[int, ...]) -> ClassScores:
    """Scores of all ``classes``, 0 for those that an image does not have."""
    if not scores.classes:
        return scores
    values: Maps = np.zeros((len(classes), *scores.size), np.float32)
    values[np.isin(classes, scores.classes)] = scores.values
    return replace(scores, classes=classes, values=values)
