"""The heads of ToCo and SeCo: projections of class tokens, and decoders of patch tokens.

rulixiang/ToCo: model/model_seg_neg.py, model/decoder/conv_head.py; zwyang6/SeCo:
model/proj_head.py.
The projection is that of DINO (Caron et al., ICCV 2021).
"""

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn.functional import linear, normalize, relu

HIDDEN = 2048  # of projections
SPREAD = 0.02


class Projection(nn.Module):
    """Tokens (..., channels) as points of length 1, (..., width).

    With ``directions``, it gives their cosines with so many learnt directions instead.
    """

    def __init__(self, channels: int, width: int, directions: int = 0) -> None:
        super().__init__()
        sizes = (channels, HIDDEN, HIDDEN, width)
        layers = [nn.Linear(a, b) for a, b in pairwise(sizes)]
        for layer in layers:
            nn.init.trunc_normal_(layer.weight, std=SPREAD)
            nn.init.zeros_(layer.bias)
        self.mlp = nn.Sequential(layers[0], nn.GELU(), layers[1], nn.GELU(), layers[2])
        self.directions = nn.Parameter(torch.randn(directions, width)) if directions else None

    def forward(self, tokens: Tensor) -> Tensor:
        points = normalize(self.mlp(tokens), dim=-1)
        if self.directions is None:
            return points
        return linear(points, normalize(self.directions, dim=1))


class LargeFov(nn.Module):
    """Two dilated convolutions and a linear one, without biases."""

    def __init__(self, channels: int, outputs: int, hidden: int = 512, dilation: int = 5) -> None:
        super().__init__()
        dilated = {"padding": dilation, "dilation": dilation, "bias": False}
        self.conv6 = nn.Conv2d(channels, hidden, 3, **dilated)  # type: ignore[arg-type]
        self.conv7 = nn.Conv2d(hidden, hidden, 3, **dilated)  # type: ignore[arg-type]
        self.conv8 = nn.Conv2d(hidden, outputs, 1, bias=False)

    def forward(self, features: Tensor) -> Tensor:
        logits: Tensor = self.conv8(relu(self.conv7(relu(self.conv6(features)))))
        return logits


class Aspp(nn.ModuleList):
    """The sum of convolutions at several dilations."""

    def __init__(
        self, channels: int, outputs: int, dilations: Sequence[int] = (6, 12, 18, 24)
    ) -> None:
        super().__init__(
            nn.Conv2d(channels, outputs, 3, padding=dilation, dilation=dilation)
            for dilation in dilations
        )

    def forward(self, features: Tensor) -> Tensor:
        return torch.stack([layer(features) for layer in self]).sum(0)


@torch.no_grad()
def follow(teacher: nn.Module, student: nn.Module, momentum: float) -> None:
    """Move each parameter of the teacher to that of the student."""
    for slow, fast in zip(teacher.parameters(), student.parameters(), strict=True):
        slow.lerp_(fast, 1 - momentum)


def frozen_copy(teacher: nn.Module, student: nn.Module) -> nn.Module:
    """The teacher with the weights of the student, without gradients."""
    teacher.load_state_dict(student.state_dict())
    return teacher.requires_grad_(False)
