"""Parameters of dense CRFs in released code, by name, each with its source."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from wsss_harness.contract.errors import ConfigError


@dataclass(frozen=True, kw_only=True)
class Parameters:
    """Widths in pixels and in grey levels, weights of both kernels, mean-field iterations.

    With a ``certainty`` the inference starts from labels that are right with that probability; the
    rest is divided by ``others``, by default the number of other channels of the image.
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

    def at_scale(self, factor: float) -> "Parameters":
        """Parameters for images ``factor`` times smaller (psa: scale_factor of crf_inference)."""
        return replace(
            self,
            gaussian_sxy=self.gaussian_sxy / factor,
            bilateral_sxy=self.bilateral_sxy / factor,
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
        "icd": Parameters(source="js-fan/ICD: run_icd.py", certainty=0.5, others=21),
        # Named by halbielee/EPS for its comparison. The released code takes colours as BGR minus
        # the mean, wrapped to 8 bits; here they are plain RGB.
        "deeplab": Parameters(
            source="kazuto1011/deeplab-pytorch: configs/voc12.yaml",
            gaussian_sxy=1,
            bilateral_sxy=67,
            bilateral_srgb=3,
            bilateral_weight=4,
        ),
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
        raise ConfigError(f"no CRF parameters named '{name}'; there are {', '.join(PARAMETERS)}")
