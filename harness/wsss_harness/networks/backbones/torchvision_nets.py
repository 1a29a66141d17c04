"""Backbones of torchvision under its tensor names, with a chosen output stride."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Literal, Self

import torchvision
from torch import Tensor, nn

from wsss_harness.networks.backbones.base import (
    Backbone,
    Normalise,
    choose,
    freeze_norms,
    statistics,
)

Frozen = Literal["norms", "statistics", "none"]
STRIDES = (8, 16, 32)
Parts = tuple[Mapping[str, nn.Module], Sequence[Sequence[str]], Sequence[int], int]
"""The first four arguments of Stages."""


class Stages(Backbone):
    """Stages in a row, each a list of modules that keep their names in the state dict.

    ``names[k]`` are the modules of stage k; the features after stage k are the tap "stage<k>",
    after the last "out".
    """

    def __init__(
        self,
        modules: Mapping[str, nn.Module],
        names: Sequence[Sequence[str]],
        strides: Sequence[int],
        channels: int,
        output_stride: int,
        frozen: Frozen,
        frozen_stages: int,
        dilated: bool,
    ) -> None:
        super().__init__()
        choose("output_stride", output_stride, STRIDES)
        choose("frozen", frozen, ("norms", "statistics", "none"))
        choose("frozen_stages", frozen_stages, range(len(names) + 1))
        for name, module in modules.items():
            self.add_module(name, module)
        self.names, self.frozen, self.frozen_stages = names, frozen, frozen_stages
        self.out_channels, self.stride = channels, output_stride
        self._limit_stride(strides, output_stride, dilated)

    def stage(self, index: int) -> list[nn.Module]:
        return [self.get_submodule(name) for name in self.names[index]]

    def _limit_stride(self, strides: Sequence[int], output_stride: int, dilated: bool) -> None:
        reached, dilation = 1, 1
        for index, stride in enumerate(strides):
            reached *= stride
            if reached > output_stride:
                growth = stride if dilated else 1
                for module in self.stage(index):
                    dilate(module, dilation, dilation * growth)
                dilation *= growth

    def forward(self, images: Tensor) -> dict[str, Tensor]:
        x, taps = images, {}
        for index in range(len(self.names)):
            for module in self.stage(index):
                x = module(x)
            taps[f"stage{index}"] = x
        taps["out"] = taps.pop(f"stage{len(self.names) - 1}")
        return taps

    def train(self, mode: bool = True) -> Self:
        super().train(mode)
        if self.frozen != "none":
            freeze_norms(self, affine=self.frozen == "norms")
        for index in range(self.frozen_stages):
            for module in self.stage(index):
                module.requires_grad_(False)
                freeze_norms(module)
        return self


def dilate(stage: nn.Module, before: int, after: int) -> None:
    """Replace the stride of a stage by dilation, which keeps the meaning of its weights.

    Convolutions that had the stride read the grid before the stage and get dilation ``before``; the
    others read the grid after it and get dilation ``after``.
    """
    for conv in stage.modules():
        if isinstance(conv, nn.Conv2d):
            dilation = before if conv.stride[0] > 1 else after
            reach = dilation * (conv.kernel_size[0] // 2)
            conv.stride = (1, 1)
            conv.dilation, conv.padding = (dilation, dilation), (reach, reach)


def torchvision_backbone(
    name: str,
    output_stride: int = 16,
    frozen: Frozen = "norms",
    frozen_stages: int = 0,
    normalise: Normalise = "imagenet",
    dilated: bool = True,
) -> Backbone:
    """MobileNetV2 1.0 (Sandler et al., 2018) or a ResNet (He et al., 2016), in five stages.

    ``frozen`` "norms" keeps all batch normalisations as they are in training, "statistics" only
    their running statistics; the first ``frozen_stages`` stages keep everything. Stages behind
    ``output_stride`` have dilation in place of their stride, unless ``dilated`` is False: then they
    have neither (jiwoon-ahn/irn: net/resnet50.py).
    """
    parts = _mobilenet_v2() if name == "mobilenet_v2" else _resnet(name)
    backbone = Stages(*parts, output_stride, frozen, frozen_stages, dilated)
    backbone.mean, backbone.std = statistics(normalise)
    return backbone


def _mobilenet_v2() -> Parts:
    """1280 channels, in five stages of stride 2."""
    features = torchvision.models.mobilenet_v2(weights=None).features
    starts = (0, 2, 4, 7, 14, len(features))
    names = [
        [f"features.{index}" for index in range(first, last)] for first, last in pairwise(starts)
    ]
    return {"features": features}, names, (2,) * 5, 1280


def _resnet(name: str) -> Parts:
    """512 channels for resnet18, otherwise 2048."""
    network = getattr(torchvision.models, name)(weights=None)
    modules = dict(network.named_children())
    channels = modules.pop("fc").in_features
    del modules["avgpool"]
    names = [["conv1", "bn1", "relu", "maxpool"], *([f"layer{index}"] for index in range(1, 5))]
    return modules, names, (4, 1, 2, 2, 2), channels
