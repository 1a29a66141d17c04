"""The fully connected CRF through pydensecrf, and its parameters in released code.

Kraehenbuehl and Koltun, "Efficient Inference in Fully Connected CRFs with Gaussian Edge
Potentials", NIPS 2011: unary energies, a Gaussian kernel of position and a bilateral one of
position and colour (eq. 3), Potts compatibility, mean field (algorithm 1).
"""

import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wsss_harness.contract.errors import ConfigError, PluginError
from wsss_harness.contract.types import IGNORE, Image, Mask
from wsss_harness.system.similar import did_you_mean

Maps = NDArray[np.float32]  # (channels, H, W), the background first
CAFFE_MEAN = np.array([104.008, 116.669, 122.675], np.float32)  # of BGR levels
SMALLEST = 1e-5  # lower bound of probabilities (pydensecrf: unary_from_softmax)


@dataclass(frozen=True, kw_only=True)
class Parameters:
    """Widths in pixels and in grey levels, weights of both kernels, mean-field iterations.

    With a ``certainty`` the inference starts from labels that are right with that probability; the
    rest is divided by ``others``, by default the number of other channels of the image. Pixels
    where no channel scores more than ``undefined`` have no label and start uniform.
    ``wrapped``: colours are seen as ``wrapped_colours``.
    """

    source: str
    gaussian_sxy: float = 3
    gaussian_weight: float = 3
    bilateral_sxy: float = 80
    bilateral_srgb: float = 13
    bilateral_weight: float = 10
    iterations: int = 10
    certainty: float | None = None
    others: int | None = None
    undefined: float | None = None
    wrapped: bool = False

    def at_scale(self, factor: float) -> "Parameters":
        """Parameters for images ``factor`` times smaller (psa: scale_factor of crf_inference)."""
        return replace(
            self, gaussian_sxy=self.gaussian_sxy / factor, bilateral_sxy=self.bilateral_sxy / factor
        )


# Named by halbielee/EPS for its comparison.
DEEPLAB = Parameters(
    source="kazuto1011/deeplab-pytorch: configs/voc12.yaml",
    gaussian_sxy=1,
    bilateral_sxy=67,
    bilateral_srgb=3,
    bilateral_weight=4,
)

PARAMETERS: Mapping[str, Parameters] = MappingProxyType(
    {
        # Also used by YudeWang/SEAM, with 1 iteration after its walk, and halbielee/EPS.
        "psa": Parameters(source="jiwoon-ahn/psa: tool/imutils.py crf_inference"),
        "irn": Parameters(
            source="jiwoon-ahn/irn: misc/imutils.py crf_inference_label",
            bilateral_sxy=50,
            bilateral_srgb=5,
            certainty=0.7,
        ),
        # The released code always has 21 channels, so it divides the rest by 21.
        "icd": Parameters(source="js-fan/ICD: run_icd.py", certainty=0.5, others=21, undefined=0.1),
        "deeplab": DEEPLAB,
        "deeplab_released": replace(DEEPLAB, wrapped=True),
        "clip_es": replace(DEEPLAB, source="linyq2117/CLIP-ES: eval_cam_with_crf.py", wrapped=True),
        # Called dense_crf_from_deeplabv2 there, on plain RGB; the function itself is not released.
        "usr922": replace(DEEPLAB, source="usr922/wseg: segmentation/experiment, test.py"),
        # The README does not state the iterations; 10 as in the code that uses it.
        "oaa": Parameters(
            source="PengtaoJiang/OAA: README.md",
            gaussian_weight=1,
            bilateral_sxy=67,
            bilateral_srgb=4,
            bilateral_weight=3,
        ),
        "wangleihitcs": Parameters(
            source="wangleihitcs/DeepLab-V1-PyTorch",
            bilateral_sxy=140,
            bilateral_srgb=5,
            bilateral_weight=5,
        ),
        "yudewang": Parameters(
            source="YudeWang/semantic-segmentation-codebase: lib/utils/DenseCRF.py",
            bilateral_sxy=32,
            iterations=1,
        ),
    }
)


def check_name(name: str) -> None:
    """Raise ConfigError unless there are parameters of this name."""
    if name not in PARAMETERS:
        raise ConfigError(f"no CRF parameters are named '{name}'{did_you_mean(name, PARAMETERS)}")


def from_probabilities(image: Image, probabilities: Maps, parameters: Parameters) -> Maps:
    """Marginals (C, H, W) from ``probabilities`` (C, H, W), which need not sum to one.

    As psa: crf_inference. Its callers stack the background (1 - max) ** alpha on the class scores,
    with alphas of their own: 4 and 32 in psa, 4 and 24 in SEAM.
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


def wrapped_colours(image: Image) -> Image:
    """Levels of RGB as BGR minus their mean, truncated to 8 bits, so that negative ones wrap.

    kazuto1011/deeplab-pytorch and linyq2117/CLIP-ES show their CRFs images that were prepared for a
    network.
    """
    shifted = np.trunc(image[..., ::-1].astype(np.float32) - CAFFE_MEAN)
    wrapped: Image = shifted.astype(np.int64).astype(np.uint8)
    return wrapped


def infer(image: Image, probabilities: Maps, parameters: Parameters) -> Maps:
    """Marginals from probabilities or labels, as ``parameters`` say; no iteration on one colour."""
    if parameters.wrapped:
        image = wrapped_colours(image)
    if (image == image[0, 0]).all():
        parameters = replace(parameters, iterations=0)
    if parameters.certainty is None:
        return from_probabilities(image, probabilities, parameters)
    labels = probabilities.argmax(0).astype(np.uint8)
    if parameters.undefined is not None:
        labels[probabilities.max(0) <= np.float32(parameters.undefined)] = IGNORE
    return from_labels(image, labels, len(probabilities), parameters)
