"""The fully connected CRF, through pydensecrf: pure functions and the refiner `crf`.

Kraehenbuehl and Koltun, "Efficient Inference in Fully Connected CRFs with Gaussian Edge
Potentials", NIPS 2011: unary energies, a Gaussian kernel of position and a bilateral one of
position and colour (eq. 3), Potts compatibility, mean field (algorithm 1).
"""

import sys
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from wsss_affinity.backgrounds import Background, Maps
from wsss_affinity.crf_parameters import PARAMETERS, Parameters
from wsss_harness.errors import ConfigError, PluginError
from wsss_harness.hookspecs import Run
from wsss_harness.supervision import View
from wsss_harness.types import IGNORE, ClassScores, Image, Mask, Sample

SMALLEST = 1e-5  # probabilities below it count as this (pydensecrf: unary_from_softmax)


def from_probabilities(image: Image, probabilities: Maps, parameters: Parameters) -> Maps:
    """Marginals (C, H, W) that start from ``probabilities``, which need not sum to one.

    As psa: crf_inference, whose background (1 - max) ** alpha stands beside the class scores.
    """
    return marginals(image, -np.log(np.clip(probabilities, SMALLEST, 1)), parameters)


def from_labels(image: Image, labels: Mask, channels: int, parameters: Parameters) -> Maps:
    """Marginals (``channels``, H, W) that start from ``labels`` of 0..channels - 1.

    As irn: crf_inference_label. Pixels of 255 start undecided (ICD: run_icd.py).
    """
    if parameters.certainty is None:
        raise ConfigError(f"the CRF of {parameters.source} starts from probabilities, not labels")
    others = parameters.others or max(channels - 1, 1)
    rest = (1 - parameters.certainty) / others
    chosen = labels == np.arange(channels)[:, None, None]
    probabilities = np.where(chosen, parameters.certainty, rest)
    probabilities[:, labels == IGNORE] = 1 / channels
    return marginals(image, -np.log(probabilities), parameters)


def marginals(image: Image, energies: NDArray[Any], parameters: Parameters) -> Maps:
    """Marginals (C, H, W) after mean field from unary ``energies`` (C, H, W) on a uint8 image.

    Raises:
        PluginError: pydensecrf is missing, or the image and the energies differ in size.
    """
    if image.shape[:2] != energies.shape[1:]:
        raise PluginError(
            f"the image is {image.shape[:2]} and its scores are {energies.shape[1:]}; "
            "the CRF needs both at the same size"
        )
    channels, height, width = energies.shape
    field = library().DenseCRF2D(width, height, channels)
    field.setUnaryEnergy(np.ascontiguousarray(energies.reshape(channels, -1), np.float32))
    field.addPairwiseGaussian(sxy=parameters.gaussian_sxy, compat=parameters.gaussian_weight)
    field.addPairwiseBilateral(
        sxy=parameters.bilateral_sxy,
        srgb=parameters.bilateral_srgb,
        rgbim=np.ascontiguousarray(image),
        compat=parameters.bilateral_weight,
    )
    result = np.array(field.inference(parameters.iterations), np.float32)
    return np.minimum(result, 1).reshape(energies.shape)


def library() -> Any:
    """The compiled module; PluginError with the line that installs it where it is missing."""
    try:
        from pydensecrf import densecrf
    except ImportError as error:
        raise PluginError(
            f"the dense CRF needs pydensecrf2 ({error}). Install it, with a C++ compiler at "
            f"hand, by: {sys.executable} -m pip install pydensecrf2"
        ) from None
    return densecrf


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
        if self.parameters not in PARAMETERS:
            known = ", ".join(PARAMETERS)
            raise ConfigError(f"no CRF parameters named '{self.parameters}'; there are {known}")
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


def infer(image: Image, probabilities: Maps, parameters: Parameters) -> Maps:
    """Marginals in the form that the parameters ask for; no iterations on a constant image."""
    if (image == image[0, 0]).all():
        parameters = replace(parameters, iterations=0)
    if parameters.certainty is None:
        return from_probabilities(image, probabilities, parameters)
    labels = probabilities.argmax(0).astype(np.uint8)
    return from_labels(image, labels, len(probabilities), parameters)
