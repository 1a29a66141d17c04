"""Backbones, heads and the multi-scale segmentor of the released DeepLabs, for mmsegmentation."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from mmcv.cnn import ConvModule
from mmengine.model import BaseModule
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, interpolate

from wsss_harness.networks import backbones
from wsss_harness.networks.backbones.base import choose
from wsss_harness.networks.mmseg_imports import MODELS, BaseDecodeHead, EncoderDecoder, ResNet

CROSS_ENTROPY = {"type": "CrossEntropyLoss", "avg_non_ignore": True}
DROPOUT: Mapping[str, Callable[[float], nn.Module]] = {
    "channels": nn.Dropout2d,
    "elements": nn.Dropout,
}


@MODELS.register_module()
class CeilResNet(ResNet):  # type: ignore[misc]
    """ResNet whose first pooling rounds sizes up, as the Caffe networks of DeepLab do."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.maxpool.ceil_mode = True


@MODELS.register_module()
class NamedBackbone(BaseModule):  # type: ignore[misc]
    """A backbone of the harness by its ``name``, so that a file of weights fits both.

    Returns all taps, the last one last. ``norm_momentum``: of all its batch normalisations, whose
    statistics learn if the backbone does not freeze them.
    """

    def __init__(self, name: str, norm_momentum: float = 0.1, **options: Any) -> None:
        super().__init__()
        self.named = backbones.build(name, **options)
        for module in self.named.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.momentum = norm_momentum

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        return tuple(self.named(images).values())


class DeepLabHead(BaseDecodeHead):  # type: ignore[misc]
    """What the heads of DeepLab share: how they drop out, and how their classifier begins.

    ``dropout``: of single "elements" or of whole "channels". ``classifier``: initial weights
    "normal" with deviation 0.01 and no bias, or "kaiming" over the outputs with torch's own bias,
    as in usr922/wseg and YudeWang/semantic-segmentation-codebase, lib/net/deeplabv1.py.
    """

    def __init__(
        self, dropout: str = "channels", classifier: str = "normal", **options: Any
    ) -> None:
        choose("dropout of a DeepLab head", dropout, DROPOUT)
        choose("classifier of a DeepLab head", classifier, ("normal", "kaiming"))
        if classifier == "kaiming":
            options = {"init_cfg": None, **options}
        super().__init__(**{"loss_decode": CROSS_ENTROPY, **options})
        self.dropout_layer = DROPOUT[dropout]
        self.dropout = self.new_dropout()
        if classifier == "kaiming":
            nn.init.kaiming_normal_(self.conv_seg.weight, mode="fan_out", nonlinearity="relu")

    def new_dropout(self) -> nn.Module:
        return self.dropout_layer(self.dropout_ratio)


@MODELS.register_module()
class ClassifierHead(DeepLabHead):
    """The classifier alone, for a backbone that has fc6 and fc7: VGG16 of DeepLab V1."""

    def __init__(self, in_channels: int, **options: Any) -> None:
        super().__init__(in_channels=in_channels, channels=in_channels, **options)

    def forward(self, inputs: tuple[Tensor, ...]) -> Tensor:
        logits: Tensor = self.cls_seg(self._transform_inputs(inputs))
        return logits


@MODELS.register_module()
class LargeFOVHead(DeepLabHead):
    """A 3x3 convolution with a wide view, a 1x1 convolution and a classifier.

    DeepLab V1 (Chen et al., ICLR 2015). With ``norm_cfg`` it is the head that SEAM trains
    (YudeWang/semantic-segmentation-codebase, lib/net/deeplabv1.py): no bias, one dropout. Without,
    dropout follows each convolution.
    """

    def __init__(self, rate: int = 12, **options: Any) -> None:
        super().__init__(**options)
        layers = {"norm_cfg": self.norm_cfg, "act_cfg": self.act_cfg}
        between = nn.Identity() if self.norm_cfg else self.new_dropout()
        self.fov = nn.Sequential(
            ConvModule(self.in_channels, self.channels, 3, padding=rate, dilation=rate, **layers),
            between,
            ConvModule(self.channels, self.channels, 1, **layers),
        )

    def forward(self, inputs: tuple[Tensor, ...]) -> Tensor:
        logits: Tensor = self.cls_seg(self.fov(self._transform_inputs(inputs)))
        return logits


@MODELS.register_module()
class SummedASPPHead(DeepLabHead):
    """Parallel 3x3 convolutions of several rates whose logits are summed.

    DeepLab V2 (Chen et al., TPAMI 2018) as in kazuto1011/deeplab-pytorch, libs/models/deeplabv2.py:
    each branch has a bias and no normalisation and gives the logits of all classes. With ``hidden``
    channels a branch is fc6 of its rate, fc7 and a classifier, with dropout after the first two, as
    on VGG16 (yaoqi-zd/SGAN, dsrg/training).
    """

    def __init__(
        self, rates: tuple[int, ...] = (6, 12, 18, 24), hidden: int | None = None, **options: Any
    ) -> None:
        normal = {"type": "Normal", "layer": "Conv2d", "std": 0.01}
        super().__init__(channels=1, **{"dropout_ratio": 0, "init_cfg": normal, **options})
        del self.conv_seg  # the branches give the logits
        self.branches = nn.ModuleList(self.branch(rate, hidden) for rate in rates)

    def branch(self, rate: int, hidden: int | None) -> nn.Module:
        out = hidden or self.out_channels
        dilated = nn.Conv2d(self.in_channels, out, 3, padding=rate, dilation=rate)
        if hidden is None:
            return dilated
        return nn.Sequential(
            dilated,
            nn.ReLU(inplace=True),
            self.new_dropout(),
            nn.Conv2d(hidden, hidden, 1),
            nn.ReLU(inplace=True),
            self.new_dropout(),
            nn.Conv2d(hidden, self.out_channels, 1),
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
    """Logits of the images, of their rescaled copies, and the maximum of all if there are copies.

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
    return [*logits, maximum] if scales else logits


@MODELS.register_module()
class MultiScaleEncoderDecoder(EncoderDecoder):  # type: ignore[misc]
    """DeepLab V2's three scales: trains on the sum of all cross entropies, predicts the maximum.

    In training masks are resized to the logits by nearest neighbour, as released. Without
    ``scales`` the images are seen as they are, as by wangleihitcs/DeepLab-V1-PyTorch.
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
        names = ("full", *map(str, self.scales), *["max"] * bool(self.scales))
        losses = {}
        for name, logits in zip(names, self._all_logits(inputs), strict=True):
            resized = interpolate(masks, logits.shape[2:], mode="nearest-exact").squeeze(1).long()
            losses[f"loss_{name}"] = cross_entropy(logits, resized, ignore_index=255)
        return losses

    def encode_decode(self, inputs: Tensor, batch_img_metas: list[dict[str, Any]]) -> Tensor:
        maximum = self._all_logits(inputs)[-1]
        logits: Tensor = self.decode_head.predict_by_feat(maximum, batch_img_metas)
        return logits
