"""VGG16 with the poolings and dilations of DeepLab and of the class-map generators that share it.

Simonyan and Zisserman, ICLR 2015. Tensors are named as in torchvision; fc6 and fc7 are the
convolutions that DeepLab made of the fully connected layers (Chen et al., ICLR 2015).
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from math import prod
from typing import Literal, Self

from torch import Tensor, nn
from torch.nn.functional import relu

from wsss_harness.contract.errors import ConfigError
from wsss_harness.networks.backbones.base import Backbone, Normalise, choose, statistics

WIDTHS = (64, 128, 256, 512, 512)
CONVOLUTIONS = (2, 2, 3, 3, 3)
FC_WIDTH = 1024


class VGG16(Backbone):
    """Taps: conv1 to conv5, the ends of the five blocks before their pooling, then out.

    ``pools``, ``strides`` and ``dilations`` have an entry for each block: the size of its max
    pooling (0 for none), the stride of that, and the rate of its convolutions. The defaults are
    those of jiwoon-ahn/psa (network/vgg16d.py) and of DeepLab up to conv5_3. Others are

        js-fan/ICD            pools 3, 3, 3, 3, 3
        yaoqi-zd/SGAN         pools 3, 3, 3, 0, 0   dilations 1, 1, 1, 1, 1
        GuoleiSun/MCIS_wsss   pools 2, 2, 2, 3, 0

    ``average`` adds a 3x3 average pooling of stride 1. ``fc_dilation`` adds fc6, a 3x3 convolution
    of this rate, and the 1x1 convolution fc7: 1 in psa and ICD, 12 in LargeFOV. ``dropout`` between
    them drops whole channels, or single values with ``drop`` "elements" (ICD). The first
    ``frozen_stages`` blocks are not trained (psa: 2). ``channel_order`` "bgr" turns the normalised
    RGB around, as weights from Caffe expect.
    ``width`` multiplies the numbers of channels.
    """

    def __init__(
        self,
        pools: Sequence[int] = (3, 3, 3, 3, 0),
        strides: Sequence[int] = (2, 2, 2, 1, 1),
        dilations: Sequence[int] = (1, 1, 1, 1, 2),
        average: bool = False,
        fc_dilation: int | None = None,
        dropout: float = 0.5,
        drop: Literal["channels", "elements"] = "channels",
        frozen_stages: int = 0,
        normalise: Normalise = "imagenet",
        channel_order: Literal["rgb", "bgr"] = "rgb",
        width: float = 1.0,
    ) -> None:
        _check_blocks("pools", pools, 0)
        _check_blocks("strides", strides, 1)
        _check_blocks("dilations", dilations, 1)
        choose("frozen_stages of vgg16", frozen_stages, range(len(WIDTHS) + 1))
        choose("drop of vgg16", drop, ("channels", "elements"))
        choose("channel_order of vgg16", channel_order, ("rgb", "bgr"))
        if not 0 < width <= 4:
            raise ConfigError(f"width of vgg16 is {width}; give a factor above 0 and up to 4")
        super().__init__()
        self.mean, self.std = statistics(normalise)
        self.channel_order, self.frozen_stages = channel_order, frozen_stages
        self.stride = prod(stride for size, stride in zip(pools, strides, strict=True) if size)
        widths = [max(4, round(channels * width)) for channels in WIDTHS]
        self.features = nn.Sequential(*_layers(widths, pools, strides, dilations))
        self.average = nn.AvgPool2d(3, 1, 1) if average else nn.Identity()
        self.out_channels = widths[-1]
        self.fc_dilation = fc_dilation
        if fc_dilation is not None:
            self._add_fc(max(4, round(FC_WIDTH * width)), fc_dilation)
        self.drop6 = nn.Dropout2d(dropout) if drop == "channels" else nn.Dropout(dropout)
        _initialise(self)

    def _add_fc(self, channels: int, dilation: int) -> None:
        self.fc6 = nn.Conv2d(self.out_channels, channels, 3, 1, dilation, dilation)
        self.fc7 = nn.Conv2d(channels, channels, 1)
        self.out_channels = channels

    def forward(self, images: Tensor) -> dict[str, Tensor]:
        x = images.flip(1) if self.channel_order == "bgr" else images
        taps = {}
        for number, block in enumerate(self.blocks(), 1):
            *convolutions, pooling = block
            for layer in convolutions:
                x = layer(x)
            taps[f"conv{number}"] = x
            x = pooling(x)
        x = self.average(x)
        if self.fc_dilation is not None:
            x = relu(self.fc7(self.drop6(relu(self.fc6(x)))))
        return taps | {"out": x}

    def blocks(self) -> Iterator[Sequence[nn.Module]]:
        """The layers of each block; the last one is its pooling."""
        layers = list(self.features)
        ends = [0]
        for count in CONVOLUTIONS:
            ends.append(ends[-1] + 2 * count + 1)
        yield from (layers[first:last] for first, last in pairwise(ends))

    def train(self, mode: bool = True) -> Self:
        super().train(mode)
        for _, block in zip(range(self.frozen_stages), self.blocks(), strict=False):
            for layer in block:
                layer.requires_grad_(False)
        return self


def _check_blocks(option: str, values: Sequence[int], lowest: int) -> None:
    if len(values) != len(WIDTHS) or min(values) < lowest:
        raise ConfigError(
            f"{option} of vgg16 are {list(values)}; give five whole numbers of at least {lowest}"
        )


def _layers(
    widths: Sequence[int], pools: Sequence[int], strides: Sequence[int], dilations: Sequence[int]
) -> Iterator[nn.Module]:
    """Convolutions with ReLU and poolings, in torchvision's places; no pooling is an Identity."""
    channels = 3
    for block, count in enumerate(CONVOLUTIONS):
        for _ in range(count):
            rate = dilations[block]
            yield nn.Conv2d(channels, widths[block], 3, 1, rate, rate)
            yield nn.ReLU(inplace=True)
            channels = widths[block]
        size = pools[block]
        yield nn.MaxPool2d(size, strides[block], (size - 1) // 2) if size else nn.Identity()


def _initialise(network: nn.Module) -> None:
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
            nn.init.zeros_(module.bias)  # type: ignore[arg-type]
