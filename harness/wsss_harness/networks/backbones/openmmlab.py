"""mmsegmentation's ResNets as backbones, so that a segmentor's backbone can be pretrained."""

from typing import Literal, Self

from torch import Tensor

from wsss_harness.networks import mmseg_imports
from wsss_harness.networks.backbones.base import (
    Backbone,
    Normalise,
    choose,
    freeze_norms,
    statistics,
)

Frozen = Literal["norms", "none"]
STRIDES = {4: (1, 1, 1, 1), 8: (1, 2, 1, 1), 16: (1, 2, 2, 1), 32: (1, 2, 2, 2)}
DILATIONS = {4: (1, 2, 4, 8), 8: (1, 1, 2, 4), 16: (1, 1, 1, 2), 32: (1, 1, 1, 1)}


class ResNetV1c(Backbone, mmseg_imports.ResNetV1c):  # type: ignore[misc]
    """ResNet with a stem of three 3x3 convolutions (He et al., Bag of Tricks, 2019).

    Taps stage1 to stage3 and out. Its tensors are named as in an EncoderDecoder's backbone.
    ``frozen`` "norms" keeps the batch normalisations as they are in training; "none" trains all.
    """

    def __init__(
        self,
        depth: int = 18,
        base_channels: int = 64,
        output_stride: int = 8,
        frozen: Frozen = "norms",
        normalise: Normalise = "imagenet",
    ) -> None:
        choose("depth of openmmlab_resnet", depth, (18, 34, 50, 101, 152))
        choose("output_stride of openmmlab_resnet", output_stride, tuple(STRIDES))
        choose("frozen of openmmlab_resnet", frozen, ("norms", "none"))
        mmseg_imports.ResNetV1c.__init__(
            self,
            depth=depth,
            stem_channels=base_channels,
            base_channels=base_channels,
            strides=STRIDES[output_stride],
            dilations=DILATIONS[output_stride],
            contract_dilation=True,
        )
        self.mean, self.std = statistics(normalise)
        self.frozen, self.stride = frozen, output_stride
        self.out_channels = int(self.feat_dim)  # type: ignore[arg-type]
        mmseg_imports.initialise(self)

    def forward(self, images: Tensor) -> dict[str, Tensor]:
        *early, last = mmseg_imports.ResNetV1c.forward(self, images)
        return {f"stage{index}": tap for index, tap in enumerate(early, 1)} | {"out": last}

    def train(self, mode: bool = True) -> Self:
        mmseg_imports.ResNetV1c.train(self, mode)
        if self.frozen == "norms":
            freeze_norms(self)
        return self
