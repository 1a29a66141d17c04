"""CAM (IRN): the classifier whose class maps IRN starts from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from wsss_harness import ClassMapGenerator
from wsss_irn.released import adapted
from wsss_irn.settings import resnet50

if TYPE_CHECKING:
    from torch import Tensor

    from wsss_harness import Inference, Loss


def from_layer3() -> dict[str, Any]:
    """Its stem and first two layers stay; of the others all but the running statistics learn."""
    return {**resnet50(), "frozen": "statistics", "frozen_stages": 3}


@dataclass(frozen=True, kw_only=True)
class CamIrn(ClassMapGenerator):
    """Zhou et al., CVPR 2016, section 2, as Ahn, Cho and Kwak, CVPR 2019, section 3 use it.

    ``sums``: over scales, of maps that are resized to the image (``full``: released for masks and
    labels), or to its grid of stride 4 (``strided``: released for the walk), where each node stands
    for a square of pixels. Defaults are those of jiwoon-ahn/irn: run_sample.py, step/train_cam.py,
    step/make_cam.py.
    """

    paper: ClassVar[str] = "Zhou et al., CVPR 2016"
    golden: ClassVar[tuple[str, ...]] = ("irn",)
    needs: ClassVar[frozenset[str]] = frozenset({"image_labels"})
    at_inference: ClassVar[frozenset[str]] = ClassMapGenerator.at_inference | {"sums"}
    quick: ClassVar[Mapping[str, Any]] = {**ClassMapGenerator.quick, "lr": 1e-3}
    released: ClassVar[Mapping[str, str]] = {"classifier.weight": "head.weight"}

    backbone: Mapping[str, Any] = field(default_factory=from_layer3)
    pooling: Literal["head_then_pool", "pool_then_head"] = "pool_then_head"
    sums: Literal["full", "strided"] = "full"
    scales: tuple[float, ...] = (1.0, 0.5, 1.5, 2.0)
    iterations: int = 3_305
    batch: int = 16
    crop: int = 512
    resize: tuple[int, int] = (320, 640)
    jitter: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0)
    optimizer: Literal["sgd", "sgd_all", "adamw"] = "sgd_all"
    lr: float = 0.1
    weight_decay: float = 1e-4

    def loss(self, classes: tuple[str, ...]) -> Loss:
        from wsss_harness import multilabel_loss

        return multilabel_loss

    def adapt(self, state: dict[str, Tensor]) -> dict[str, Tensor]:
        return adapted(state)

    def inference(self) -> Inference:
        from wsss_irn.sums import SummedMaps

        return SummedMaps(tuple(self.scales), self.activation, self.normalise, sums=self.sums)
