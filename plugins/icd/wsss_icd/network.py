"""The network of ICD: a class map branch and the two branches of the discriminator."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import relu

from wsss_harness import Headed, NetworkShape
from wsss_icd.direction import evidence, projections, signed

if TYPE_CHECKING:
    from wsss_harness import Backbone

EPSILON = 1e-5
MOMENTUM = 0.9
SPREAD = 0.01  # of initial weights without pretrained ones
FC = ("fc6", "fc7")


class GhostNorm(nn.Module):
    """Batch normalisation without a factor, over ``ghost`` images of a batch at a time.

    Each of the GPUs of js-fan/ICD normalises its own part of a batch; their running values are
    averaged. Both use the biased variance, as MXNet does.
    """

    running_mean: Tensor
    running_var: Tensor

    def __init__(self, channels: int, ghost: int) -> None:
        super().__init__()
        self.bias = nn.Parameter(torch.zeros(channels))
        self.register_buffer("running_mean", torch.zeros(channels))
        self.register_buffer("running_var", torch.ones(channels))
        self.ghost = ghost

    def forward(self, features: Tensor) -> Tensor:
        features = features.to(self.bias)  # in single precision under mixed precision too
        if not self.training:
            return self.normalised(features, self.running_mean, self.running_var)
        parts = torch.split(features, self.ghost)
        variances, means = zip(
            *(torch.var_mean(part, (0, 2, 3), correction=0) for part in parts), strict=True
        )
        self.follow(torch.stack(means).mean(0), torch.stack(variances).mean(0))
        return torch.cat(list(map(self.normalised, parts, means, variances)))

    def normalised(self, features: Tensor, mean: Tensor, variance: Tensor) -> Tensor:
        factor = torch.rsqrt(variance + EPSILON)[:, None, None]
        return (features - mean[:, None, None]) * factor + self.bias[:, None, None]

    @torch.no_grad()
    def follow(self, mean: Tensor, variance: Tensor) -> None:
        self.running_mean.lerp_(mean.to(self.running_mean), 1 - MOMENTUM)
        self.running_var.lerp_(variance.to(self.running_var), 1 - MOMENTUM)


class TopDown(nn.Module):
    """Logits of features and of two layers on them, which start as copies of fc6 and fc7.

    A backbone without these two gives them as many channels as it has, and random weights.
    """

    def __init__(self, backbone: Backbone, classes: int) -> None:
        super().__init__()
        copies = tuple(like(layer) for layer in fc_of(backbone))
        self.fc6, self.fc7 = copies or new_layers(backbone.out_channels)
        both = self.fc6.out_channels + self.fc7.out_channels
        self.head = nn.Conv2d(self.fc6.in_channels + both, classes, 1, bias=False)
        nn.init.normal_(self.head.weight, std=SPREAD)

    def forward(self, features: Tensor) -> Tensor:
        f6 = relu(self.fc6(features))
        logits: Tensor = self.head(torch.cat((features, f6, relu(self.fc7(f6))), 1))
        return logits

    def copy_fc(self, backbone: Backbone) -> None:
        for name, layer in zip(FC, fc_of(backbone), strict=False):
            self.get_submodule(name).load_state_dict(layer.state_dict())


def fc_of(backbone: Backbone) -> tuple[nn.Conv2d, ...]:
    """fc6 and fc7, or nothing if the backbone has none."""
    layers = (getattr(backbone, name, None) for name in FC)
    return tuple(layer for layer in layers if isinstance(layer, nn.Conv2d))


def tap_of(backbone: Backbone) -> str:
    """The tap whose features are discriminated: what fc6 reads, or the last."""
    return "conv5" if fc_of(backbone) else "out"


def new_layers(width: int) -> tuple[nn.Conv2d, nn.Conv2d]:
    layers = nn.Conv2d(width, width, 3, padding=1), nn.Conv2d(width, width, 1)
    for layer in layers:
        nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
        nn.init.zeros_(layer.bias)  # type: ignore[arg-type]
    return layers


def like(layer: nn.Conv2d) -> nn.Conv2d:
    """A layer of the same shape at rate 1."""
    size = layer.kernel_size[0]
    return nn.Conv2d(layer.in_channels, layer.out_channels, size, padding=size // 2)


class Outputs(NamedTuple):
    """``maps``, ``scores``, ``logits`` (B, C, h, w); ``pooled`` (B, C).

    ``maps`` are raw class maps, ``scores`` projections on directions whose ends are not yet told
    apart, ``logits`` those of the top-down branch.
    """

    maps: Tensor
    pooled: Tensor
    scores: Tensor
    logits: Tensor


class IcdNetwork(Headed):
    """Fan et al., CVPR 2020, figure 2; js-fan/ICD: core/model/vgg.py, layers_custom/icd.py.

    ``evidence`` (C, 2) is the state from which signs follow, ``iterations`` counts those of
    training. No gradient of the directions reaches the backbone; that of the logits does.
    """

    heads: tuple[str, ...] = ("head", "top_down.head")
    evidence: Tensor
    iterations: Tensor

    def __init__(self, backbone: Backbone, classes: int, dropout: float, ghost: int) -> None:
        super().__init__()
        self.backbone, self.tap = backbone, tap_of(backbone)
        if not fc_of(backbone):
            self.heads = ("head", "top_down")
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Conv2d(backbone.out_channels, classes, 1)
        self.top_down = TopDown(backbone, classes)
        features = self.top_down.fc6.in_channels
        self.norm = GhostNorm(features, ghost)
        self.direction = nn.Parameter(torch.empty(classes, features))
        self.register_buffer("evidence", torch.zeros(classes, 2))
        self.register_buffer("iterations", torch.zeros((), dtype=torch.long))
        nn.init.normal_(self.head.weight, std=SPREAD)
        nn.init.zeros_(self.head.bias)  # type: ignore[arg-type]
        nn.init.normal_(self.direction, std=SPREAD)

    def forward(self, images: Tensor) -> Outputs:
        taps = self.backbone(images)
        maps = self.head(self.dropout(taps["out"]))
        features = self.norm(taps[self.tap])
        scores = projections(features, self.direction)
        return Outputs(maps, maps.mean((2, 3)), scores, self.top_down(features))

    @torch.no_grad()
    def signed(self, outputs: Outputs, present: Tensor) -> Tensor:
        """The scores with their signs; in training the state learns from the whole batch first."""
        if self.training:
            maps, scores = outputs.maps.float(), outputs.scores.float()
            self.evidence.copy_(evidence(scores, maps, present, self.evidence))
        return signed(outputs.scores, self.evidence)


@dataclass(frozen=True)
class IcdShape(NetworkShape[IcdNetwork]):
    """What rebuilds an IcdNetwork."""

    kind = IcdNetwork

    classes: int
    dropout: float
    ghost: int
