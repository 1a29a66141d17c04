"""CAM: the maps of a classifier that is trained with image labels alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

from wsss_harness.classmaps.generator import ClassMapGenerator

if TYPE_CHECKING:
    from wsss_harness.training import Loss


@dataclass(frozen=True, kw_only=True)
class Cam(ClassMapGenerator):
    """Zhou et al., "Learning Deep Features for Discriminative Localization", CVPR 2016, sec. 2.

    Network and defaults are those of the baseline in halbielee/EPS (network/resnet38_cls.py,
    script/voc12_cls.sh), which is that of jiwoon-ahn/psa: features are dropped by channel, pooled,
    then classified; the map of a class is the positive part of its head applied to the features.
    """

    paper: ClassVar[str] = "Zhou et al., CVPR 2016"
    needs: ClassVar[frozenset[str]] = frozenset({"image_labels"})

    pooling: Literal["head_then_pool", "pool_then_head"] = "pool_then_head"
    dropout: float = 0.5

    def loss(self, classes: tuple[str, ...]) -> Loss:
        from wsss_harness.classmaps.fitting import multilabel_loss

        return multilabel_loss
