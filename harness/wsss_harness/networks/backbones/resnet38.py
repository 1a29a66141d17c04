"""ResNet38: Wide-ResNet38 "Model A1" as used by AffinityNet and its descendants.

Wu, Shen, van den Hengel, Wider or Deeper, 2016. Names, dilations, frozen parts and taps are those
of jiwoon-ahn/psa, network/resnet38d.py, which SEAM, SC-CAM and EPS share.
"""

from collections.abc import Sequence
from typing import Literal, Self

from torch import Tensor, nn
from torch.nn.functional import relu

from wsss_harness.contract.errors import ConfigError
from wsss_harness.networks.backbones.base import (
    Backbone,
    Normalise,
    choose,
    freeze_norms,
    statistics,
)

Frozen = Literal["released", "stem", "none"]
FROZEN: dict[str, tuple[str, ...]] = {
    "released": ("conv1a", "b2", "b2_1", "b2_2"),
    "stem": ("conv1a",),
    "none": (),
}


def _conv(channels: int, out: int, size: int, stride: int = 1, dilation: int = 1) -> nn.Conv2d:
    padding = size // 2 * dilation
    return nn.Conv2d(channels, out, size, stride, padding, dilation, bias=False)


class ResBlock(nn.Module):
    """Two 3x3 convolutions after normalisation and ReLU, added to a shortcut.

    The shortcut is the input itself, or a 1x1 convolution of the normalised input where the shape
    changes. ``forward`` gives the sum and the normalised input, which is a tap.
    """

    def __init__(
        self,
        channels: int,
        middle: int,
        out: int,
        stride: int = 1,
        dilations: tuple[int, int] = (1, 1),
    ) -> None:
        super().__init__()
        self.bn_branch2a = nn.BatchNorm2d(channels)
        self.conv_branch2a = _conv(channels, middle, 3, stride, dilations[0])
        self.bn_branch2b1 = nn.BatchNorm2d(middle)
        self.conv_branch2b1 = _conv(middle, out, 3, 1, dilations[1])
        self.projected = channels != out or stride > 1
        if self.projected:
            self.conv_branch1 = _conv(channels, out, 1, stride)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        entry = relu(self.bn_branch2a(x))
        shortcut = self.conv_branch1(entry) if self.projected else x
        branch = relu(self.bn_branch2b1(self.conv_branch2a(entry)))
        return self.conv_branch2b1(branch) + shortcut, entry


class Bottleneck(nn.Module):
    """1x1 to a quarter, dilated 3x3 to a half, 1x1 to all channels; dropout of whole channels."""

    def __init__(self, channels: int, out: int, dilation: int, dropout: float) -> None:
        super().__init__()
        self.bn_branch2a = nn.BatchNorm2d(channels)
        self.conv_branch2a = _conv(channels, out // 4, 1)
        self.bn_branch2b1 = nn.BatchNorm2d(out // 4)
        self.dropout_2b1 = nn.Dropout2d(dropout)
        self.conv_branch2b1 = _conv(out // 4, out // 2, 3, 1, dilation)
        self.bn_branch2b2 = nn.BatchNorm2d(out // 2)
        self.dropout_2b2 = nn.Dropout2d(dropout)
        self.conv_branch2b2 = _conv(out // 2, out, 1)
        self.conv_branch1 = _conv(channels, out, 1)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        entry = relu(self.bn_branch2a(x))
        branch = self.dropout_2b1(relu(self.bn_branch2b1(self.conv_branch2a(entry))))
        branch = self.dropout_2b2(relu(self.bn_branch2b2(self.conv_branch2b1(branch))))
        return self.conv_branch2b2(branch) + self.conv_branch1(entry), entry


class ResNet38(Backbone):
    """Taps: conv3 (256 channels, stride 4), conv4 (512), conv5 (1024), out (4096), stride 8.

    conv3 to conv5 are the normalised inputs of b4, b5 and b6, out is the normalised end (conv6 in
    psa). The numbers of channels are for ``width`` 1.

    ``width`` multiplies the official numbers of channels, 64, 128, ... 4096; seven ``channels``
    replace them. ``dropout`` holds the shares of b6 and b7. ``output_stride`` 4 leaves out the
    stride of b4 and keeps all dilations. ``frozen`` acts in training: "released" keeps conv1a, all
    of b2 and all batch normalisations as they are; "stem" conv1a and the normalisations, as the
    bare network of psa does; "none" trains all, as needed from random weights.
    """

    def __init__(
        self,
        width: float = 1.0,
        channels: Sequence[int] | None = None,
        dropout: Sequence[float] = (0.3, 0.5),
        output_stride: int = 8,
        frozen: Frozen = "released",
        normalise: Normalise = "imagenet",
    ) -> None:
        choose("output_stride of resnet38", output_stride, (4, 8))
        choose("frozen of resnet38", frozen, tuple(FROZEN))
        if not 0 < width <= 4:
            raise ConfigError(f"width of resnet38 is {width}; give a factor above 0 and up to 4")
        channels = channels or [max(4, round(64 * 2**power * width)) for power in range(7)]
        if len(channels) != 7 or len(dropout) != 2:
            raise ConfigError("resnet38 takes seven channels and two shares of dropout")
        super().__init__()
        self.frozen, self.stride = frozen, output_stride
        self.mean, self.std = statistics(normalise)
        self._add_blocks(channels, dropout)

    def _add_blocks(self, channels: Sequence[int], dropout: Sequence[float]) -> None:
        c64, c128, c256, c512, c1024, c2048, c4096 = channels
        self.out_channels = c4096
        self.conv1a = _conv(3, c64, 3)
        self.b2 = ResBlock(c64, c128, c128, stride=2)
        self.b2_1 = ResBlock(c128, c128, c128)
        self.b2_2 = ResBlock(c128, c128, c128)
        self.b3 = ResBlock(c128, c256, c256, stride=2)
        self.b3_1 = ResBlock(c256, c256, c256)
        self.b3_2 = ResBlock(c256, c256, c256)
        self.b4 = ResBlock(c256, c512, c512, stride=self.stride // 4)
        for index in range(1, 6):
            self.add_module(f"b4_{index}", ResBlock(c512, c512, c512))
        self.b5 = ResBlock(c512, c512, c1024, dilations=(1, 2))
        self.b5_1 = ResBlock(c1024, c512, c1024, dilations=(2, 2))
        self.b5_2 = ResBlock(c1024, c512, c1024, dilations=(2, 2))
        self.b6 = Bottleneck(c1024, c2048, dilation=4, dropout=dropout[0])
        self.b7 = Bottleneck(c2048, c4096, dilation=4, dropout=dropout[1])
        self.bn7 = nn.BatchNorm2d(c4096)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")

    def forward(self, images: Tensor) -> dict[str, Tensor]:
        x = self.conv1a(images)
        entries = {}
        for name, block in self.named_children():
            if isinstance(block, ResBlock | Bottleneck):
                x, entries[name] = block(x)
        return {
            "conv3": entries["b4"],
            "conv4": entries["b5"],
            "conv5": entries["b6"],
            "out": relu(self.bn7(x)),
        }

    def train(self, mode: bool = True) -> Self:
        super().train(mode)
        if self.frozen != "none":
            freeze_norms(self)
        for name in FROZEN[self.frozen]:
            self.get_submodule(name).requires_grad_(False)
        return self
