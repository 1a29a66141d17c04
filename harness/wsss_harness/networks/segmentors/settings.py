"""How a trained segmentor is applied. Free of torch, because options are read early."""

from dataclasses import dataclass
from typing import Literal

from wsss_harness.contract.options import require_option
from wsss_harness.networks.crf import check_name

Average = Literal["logits", "probabilities"]


@dataclass(frozen=True, kw_only=True)
class PredictionSettings:
    """Copies of an image, their average, and what follows.

    ``scales``, ``flip``: the copies that are averaged.
    ``average``: take the softmax of the mean of their "logits", as released, or the mean of their
    "probabilities".
    ``crf``: the name of the parameters of a dense CRF that sharpens the average, or "none".
    """

    scales: tuple[float, ...] = (1.0,)
    flip: bool = False
    average: Average = "logits"
    crf: str = "none"

    def __post_init__(self) -> None:
        positive = bool(self.scales) and min(self.scales) > 0
        require_option(self, "scales", positive, "at least one, all above 0")
        if self.crf != "none":
            check_name(self.crf)
