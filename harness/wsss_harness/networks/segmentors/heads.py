"""The heads of DeepLab V1 and V2, for mmsegmentation's EncoderDecoder."""

from typing import Any

from mmcv.cnn import ConvModule
from torch import Tensor, nn

from wsss_harness.networks.mmseg_imports import MODELS, BaseDecodeHead

CROSS_ENTROPY = {"type": "CrossEntropyLoss", "avg_non_ignore": True}


@MODELS.register_module()
class LargeFOVHead(BaseDecodeHead):  # type: ignore[misc]
    """A 3x3 convolution with a wide view, a 1x1 convolution and a classifier.

    DeepLab V1 (Chen et al., ICLR 2015). With ``pool`` and without ``norm_cfg`` it is the end of
    VGG16-LargeFOV after conv5_3 (wangleihitcs/DeepLab-V1-PyTorch, nets/vgg.py): two poolings of
    stride 1, and dropout after each convolution. With ``norm_cfg`` it is the head that SEAM trains
    (YudeWang/semantic-segmentation-codebase, lib/net/deeplabv1.py): no bias, one dropout.
    """

    def __init__(self, rate: int = 12, pool: bool = False, **options: Any) -> None:
        super().__init__(**{"loss_decode": CROSS_ENTROPY, **options})
        layers = {"norm_cfg": self.norm_cfg, "act_cfg": self.act_cfg}
        poolings = (nn.MaxPool2d(3, 1, 1), nn.AvgPool2d(3, 1, 1)) if pool else ()
        dropout = nn.Identity() if self.norm_cfg else nn.Dropout2d(self.dropout_ratio)
        self.fov = nn.Sequential(
            *poolings,
            ConvModule(self.in_channels, self.channels, 3, padding=rate, dilation=rate, **layers),
            dropout,
            ConvModule(self.channels, self.channels, 1, **layers),
        )

    def forward(self, inputs: tuple[Tensor, ...]) -> Tensor:
        logits: Tensor = self.cls_seg(self.fov(self._transform_inputs(inputs)))
        return logits


@MODELS.register_module()
class SummedASPPHead(BaseDecodeHead):  # type: ignore[misc]
    """Parallel 3x3 convolutions of several rates whose logits are summed.

    DeepLab V2 (Chen et al., TPAMI 2018) as in kazuto1011/deeplab-pytorch, libs/models/deeplabv2.py:
    each branch has a bias and no normalisation and gives the logits of all classes.
    """

    def __init__(self, rates: tuple[int, ...] = (6, 12, 18, 24), **options: Any) -> None:
        normal = {"type": "Normal", "layer": "Conv2d", "std": 0.01}
        defaults = {"dropout_ratio": 0, "init_cfg": normal, "loss_decode": CROSS_ENTROPY}
        super().__init__(channels=1, **{**defaults, **options})
        del self.conv_seg  # the branches give the logits
        self.branches = nn.ModuleList(
            nn.Conv2d(self.in_channels, self.out_channels, 3, padding=rate, dilation=rate)
            for rate in rates
        )

    def forward(self, inputs: tuple[Tensor, ...]) -> Tensor:
        features = self._transform_inputs(inputs)
        logits: Tensor = self.branches[0](features)
        for branch in self.branches[1:]:
            logits = logits + branch(features)
        return logits
