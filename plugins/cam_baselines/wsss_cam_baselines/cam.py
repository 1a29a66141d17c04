"""CAM: the maps of a classifier that is trained on image labels alone."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar, Literal

from wsss_harness import ClassMapGenerator

if TYPE_CHECKING:
    from wsss_harness import Inference, Loss


@dataclass(frozen=True, kw_only=True)
class Cam(ClassMapGenerator):
    """Zhou et al., "Learning Deep Features for Discriminative Localization", CVPR 2016, sec. 2.

    Network and defaults are those of the baseline in halbielee/EPS (network/resnet38_cls.py,
    script/voc12_cls.sh) and jiwoon-ahn/psa: dropout of whole channels, pooling, classification. The
    map of a class is the positive part of its head applied to the features.

    ``method``: how maps are read from the trained network; all but ``cam`` are methods of torchcam,
    see wsss_cam_baselines.gradients. ``layers``: where gradients are taken, ``features`` (the input
    of the head) or modules of the network such as ``backbone.layer3``.
    """

    paper: ClassVar[str] = "Zhou et al., CVPR 2016"
    golden: ClassVar[tuple[str, ...]] = ("cam_inference",)
    needs: ClassVar[frozenset[str]] = frozenset({"image_labels"})
    at_inference: ClassVar[frozenset[str]] = ClassMapGenerator.at_inference | {"method", "layers"}

    pooling: Literal["head_then_pool", "pool_then_head"] = "pool_then_head"
    dropout: float = 0.5
    method: Literal["cam", "grad_cam", "xgrad_cam", "layer_cam"] = "cam"
    layers: tuple[str, ...] = ("features",)

    def loss(self, classes: tuple[str, ...]) -> Loss:
        from wsss_harness import multilabel_loss

        return multilabel_loss

    def inference(self) -> Inference:
        if self.method == "cam":
            return super().inference()
        from wsss_cam_baselines.gradients import reader

        return replace(super().inference(), read=reader(self.method, self.layers))
