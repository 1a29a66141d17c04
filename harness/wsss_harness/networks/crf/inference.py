"""The fully connected CRF, through pydensecrf: pure functions.

Kraehenbuehl and Koltun, "Efficient Inference in Fully Connected CRFs with Gaussian Edge
Potentials", NIPS 2011: unary energies, a Gaussian kernel of position and a bilateral one of
position and colour (eq. 3), Potts compatibility, mean field (algorithm 1).
"""

import sys
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wsss_harness.contract.errors import ConfigError, PluginError
from wsss_harness.contract.types import IGNORE, Image, Mask
from wsss_harness.networks.crf.parameters import Parameters

Maps = NDArray[np.float32]  # (channels, H, W), the background first
SMALLEST = 1e-5  # lower bound of probabilities (pydensecrf: unary_from_softmax)


def from_probabilities(image: Image, probabilities: Maps, parameters: Parameters) -> Maps:
    """Marginals (C, H, W) from ``probabilities`` (C, H, W), which need not sum to one.

    As psa: crf_inference, which stacks the background (1 - max) ** alpha on the class scores.
    """
    return marginals(image, -np.log(np.clip(probabilities, SMALLEST, 1)), parameters)


def from_labels(image: Image, labels: Mask, channels: int, parameters: Parameters) -> Maps:
    """Marginals (``channels``, H, W) from ``labels`` (H, W) in 0..channels - 1.

    As irn: crf_inference_label. Pixels labelled 255 start uniform (ICD: run_icd.py).
    """
    if parameters.certainty is None:
        raise ConfigError(f"the CRF of {parameters.source} starts from probabilities, not labels")
    others = parameters.others or max(channels - 1, 1)
    rest = (1 - parameters.certainty) / others
    labelled = labels == np.arange(channels)[:, None, None]
    probabilities = np.where(labelled, parameters.certainty, rest)
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
    """The compiled module; PluginError with the command that installs it if it is missing."""
    try:
        from pydensecrf import densecrf
    except ImportError as error:
        raise PluginError(
            f"the dense CRF needs pydensecrf2 ({error}). Install it, which takes a C++ "
            f"compiler: {sys.executable} -m pip install pydensecrf2"
        ) from None
    return densecrf


def infer(image: Image, probabilities: Maps, parameters: Parameters) -> Maps:
    """Marginals from probabilities or labels, as ``parameters`` say; no iteration on one colour."""
    if (image == image[0, 0]).all():
        parameters = replace(parameters, iterations=0)
    if parameters.certainty is None:
        return from_probabilities(image, probabilities, parameters)
    labels = probabilities.argmax(0).astype(np.uint8)
    return from_labels(image, labels, len(probabilities), parameters)
