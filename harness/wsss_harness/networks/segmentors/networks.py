"""Backbones, heads and the multi-scale segmentor of the released DeepLabs, for mmsegmentation."""

from collections.abc import Callable, Sequence
from typing import Any

from mmcv.cnn import ConvModule
from mmengine.model import BaseModule
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, interpolate

from wsss_harness.networks import backbones
from wsss_harness.networks.mmseg_imports import MODELS, BaseDecodeHead, EncoderDecoder, ResNet

VGG16 = ((64, 64), (128, 128), (256, 256, 256), (512, 512, 512), (512, 512, 512))
CROSS_ENTROPY = {"type": "CrossEntropyLoss", "avg_non_ignore": True}


@MODELS.register_module()
class CeilResNet(ResNet):  # type: ignore[misc]
    """ResNet whose first pooling rounds sizes up, as the Caffe networks of DeepLab do."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.maxpool.ceil_mode = True


@MODELS.register_module()
class LargeFOVVGG16(BaseModule):  # type: ignore[misc]
    """VGG16 up to conv5_3 at stride 8, conv5 with rate 2; names of tensors as in torchvision.

    DeepLab V1: poolings are 3x3 with padding; the fourth keeps the resolution.
    """

    def __init__(self, init_cfg: Any = None) -> None:
        super().__init__(init_cfg)
        layers: list[nn.Module] = []
        channels = 3
        for stage, widths in enumerate(VGG16):
            rate = 2 if stage == 4 else 1
            for width in widths:
                layers += [nn.Conv2d(channels, width, 3, 1, rate, rate), nn.ReLU(inplace=True)]
                channels = width
            if stage < 4:
                layers.append(nn.MaxPool2d(3, 2 if stage < 3 else 1, 1))
        self.features = nn.Sequential(*layers)

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        return (self.features(images),)


@MODELS.register_module()
class NamedBackbone(BaseModule):  # type: ignore[misc]
    """A backbone of the harness by its ``name``, so that a file of weights fits both.

    Returns all taps, the last one last.
    """

    def __init__(self, name: str, **options: Any) -> None:
        super().__init__()
        self.named = backbones.build(name, **options)

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        return tuple(self.named(images).values())


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


def multi_scale(
    network: Callable[[Tensor], Tensor], images: Tensor, scales: Sequence[float]
) -> list[Tensor]:
    """Logits of the images, of their rescaled copies, and the maximum of all.

    The maximum is taken at each pixel after resizing to the first logits
    (kazuto1011/deeplab-pytorch, libs/models/msc.py).
    """
    logits = [network(images)]
    for scale in scales:
        rescaled = interpolate(images, scale_factor=scale, mode="bilinear", align_corners=False)
        logits.append(network(rescaled))
    maximum = logits[0]
    for scaled in logits[1:]:
        resized = interpolate(scaled, maximum.shape[2:], mode="bilinear", align_corners=False)
        maximum = maximum.maximum(resized)
    return [*logits, maximum]


@MODELS.register_module()
class MultiScaleEncoderDecoder(EncoderDecoder):  # type: ignore[misc]
    """DeepLab V2's three scales: trains on the sum of all cross entropies, predicts the maximum.

    In training masks are resized to the logits by nearest neighbour, as released.
    """

    def __init__(self, scales: Sequence[float] = (0.5, 0.75), **options: Any) -> None:
        super().__init__(**options)
        self.scales = tuple(scales)

    def _all_logits(self, images: Tensor) -> list[Tensor]:
        return multi_scale(
            lambda copy: self.decode_head(self.extract_feat(copy)), images, self.scales
        )

    def loss(self, inputs: Tensor, data_samples: Sequence[Any]) -> dict[str, Tensor]:
        masks = self.decode_head._stack_batch_gt(data_samples).float()
        names = ("full", *map(str, self.scales), "max")
        losses = {}
        for name, logits in zip(names, self._all_logits(inputs), strict=True):
            resized = interpolate(masks, logits.shape[2:], mode="nearest-exact").squeeze(1).long()
            losses[f"loss_{name}"] = cross_entropy(logits, resized, ignore_index=255)
        return losses

    def encode_decode(self, inputs: Tensor, batch_img_metas: list[dict[str, Any]]) -> Tensor:
        maximum = self._all_logits(inputs)[-1]
        logits: Tensor = self.decode_head.predict_by_feat(maximum, batch_img_metas)
        return logits
