"""The dense CRF through pydensecrf, and its parameters in released code."""

from wsss_harness.networks.crf.inference import (
    Maps,
    from_labels,
    from_probabilities,
    infer,
    library,
    marginals,
)
from wsss_harness.networks.crf.parameters import PARAMETERS, Parameters, check_name

__all__ = [
    "PARAMETERS",
    "Maps",
    "Parameters",
    "check_name",
    "from_labels",
    "from_probabilities",
    "infer",
    "library",
    "marginals",
]
