"""ToCo: token contrast in a single stage."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from wsss_harness import require_option
from wsss_toco.method import TokenMethod

if TYPE_CHECKING:
    from wsss_toco.items import Look
    from wsss_toco.losses import TocoLoss
    from wsss_toco.network import TocoShape


@dataclass(frozen=True, kw_only=True)
class ToCo(TokenMethod):
    """Ru et al., "Token Contrast for Weakly-Supervised Semantic Segmentation", CVPR 2023.

    ``crop_weight``, ``temperature``: of the contrast of crops; ``extra_term``: it has one more
    term, as in the released program. ``momentum_of_teacher``: of the second projection.
    Defaults are those of rulixiang/ToCo: scripts/dist_train_voc_seg_neg.py.
    """

    paper: ClassVar[str] = "Ru et al., CVPR 2023"
    golden: ClassVar[tuple[str, ...]] = ("toco",)

    crop_weight: float = 0.5
    temperature: float = 0.5
    extra_term: bool = True
    momentum_of_teacher: float = 0.9

    def __post_init__(self) -> None:
        super().__post_init__()
        require_option(self, "temperature", self.temperature > 0, "above 0")
        require_option(self, "crop_weight", self.crop_weight >= 0, "0 or more")
        moves = 0 <= self.momentum_of_teacher < 1
        require_option(self, "momentum_of_teacher", moves, "0 or more and below 1")

    def shape(self, classes: int) -> TocoShape:
        from wsss_toco.network import TocoShape

        return TocoShape(self.backbone, classes, self.layer, self.momentum_of_teacher)

    def loss(self) -> TocoLoss:
        from wsss_toco.crops import LocalCrops
        from wsss_toco.losses import TocoLoss

        crops = LocalCrops(self.crops, self.crop_size)
        return TocoLoss(
            self.teaching(),
            crops,
            self.crop_weight,
            self.temperature,
            self.extra_term,
            self.segment_after,
        )

    def first_look(self) -> Look:
        from wsss_toco.items import Look

        return Look(blur=1.0)
