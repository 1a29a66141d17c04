"""The options of training on image labels."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from wsss_harness.contract.options import require_option
from wsss_harness.networks.training.settings import TrainingSettings


@dataclass(frozen=True, kw_only=True)
class LabelSettings(TrainingSettings):
    """``unlabelled``: what an image without classes is.

    An ``error``, an image to ``skip``, or a ``negative``, whose labels are all 0.
    """

    unlabelled: Literal["error", "skip", "negative"] = "error"


@dataclass(frozen=True, kw_only=True)
class ClassifierSettings(LabelSettings):
    """``resize``: bounds of the random long side in pixels."""

    quick: ClassVar[Mapping[str, Any]] = {**TrainingSettings.quick, "resize": (32, 48)}

    resize: tuple[int, int] = (256, 512)

    def __post_init__(self) -> None:
        super().__post_init__()
        low, high = self.resize
        require_option(
            self, "resize", 0 < low <= high, "two lengths above 0, the smaller one first"
        )
