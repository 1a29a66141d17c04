"""The networks of ToCo and SeCo: a vision transformer that classifies, segments and projects.

Ru et al., CVPR 2023, figure 3; rulixiang/ToCo: model/model_seg_neg.py. Yang et al., CVPR 2024,
figure 2; zwyang6/SeCo: model/model_seco.py.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple, cast

import torch
from torch import Tensor, nn

from wsss_harness.networks import backbones
from wsss_harness.networks.classmaps.network import NetworkShape
from wsss_harness.networks.training.optimizers import Headed
from wsss_toco.heads import Aspp, LargeFov, Projection, follow, frozen_copy
from wsss_toco.memory import Queue, moved_prototypes

if TYPE_CHECKING:
    from wsss_harness import Backbone
    from wsss_harness.networks.backbones.vit import ViT

WIDTH, DIRECTIONS = 256, 1024  # of ToCo's projection


class Features(NamedTuple):
    """``last``, ``middle`` (B, D, h, w) patch tokens; ``token`` (B, D) the class token.

    The last ones are normalised, those of the middle layer are not.
    """

    last: Tensor
    middle: Tensor
    token: Tensor


class TokenNetwork(Headed):
    """What both share. ``layer``: the middle layer, counted from the end with -1 as the last."""

    heads: tuple[str, ...] = ("head", "middle_head", "projection", "decoder")
    iterations: Tensor

    def __init__(self, backbone: Backbone, classes: int, layer: int, decoder: nn.Module) -> None:
        super().__init__()
        channels = backbone.out_channels
        backbone.get_parameter("pos_embed").requires_grad_(False)
        self.backbone, self.decoder, self.layer = backbone, decoder, layer
        self.head = nn.Conv2d(channels, classes, 1, bias=False)
        self.middle_head = nn.Conv2d(channels, classes, 1, bias=False)
        self.register_buffer("iterations", torch.zeros((), dtype=torch.long))

    @property
    def device(self) -> torch.device:
        return self.head.weight.device

    def features(self, images: Tensor) -> Features:
        return features_of(self.backbone, images, self.layer)

    def maps(self, features: Features) -> tuple[Tensor, Tensor]:
        """Raw class maps (B, C, h, w) of the last and of the middle layer."""
        return self.head(features.last), self.middle_head(features.middle)

    def logits(self, features: Features) -> tuple[Tensor, Tensor]:
        """(B, C) each: maps of the largest patch token in each channel."""
        pooled = features._replace(
            last=features.last.amax((2, 3), keepdim=True),
            middle=features.middle.amax((2, 3), keepdim=True),
        )
        last, middle = self.maps(pooled)
        return last[..., 0, 0], middle[..., 0, 0]

    def forward(self, images: Tensor) -> Tensor:
        """Logits (B, C + 1, h, w) of the decoder."""
        segmented: Tensor = self.decoder(self.features(images).last)
        return segmented


def features_of(backbone: nn.Module, images: Tensor, layer: int = -1) -> Features:
    vit = cast("ViT", backbone)  # TokenMethod refuses others
    tokens = vit.tokens(images)
    last = replace(tokens, layers=(vit.norm(tokens.layers[-1]),))
    return Features(last.patches(), tokens.patches(layer), last.classes()[:, 0])


def class_tokens(backbone: nn.Module, images: Tensor) -> Tensor:
    """(B, N, D) of images (B, N, 3, h, w)."""
    return features_of(backbone, images.flatten(0, 1)).token.reshape(*images.shape[:2], -1)


class TocoNetwork(TokenNetwork):
    """``momentum``: of the teacher's projection; both encode images with the same backbone."""

    def __init__(self, backbone: Backbone, classes: int, layer: int, momentum: float) -> None:
        channels = backbone.out_channels
        super().__init__(backbone, classes, layer, LargeFov(channels, classes + 1))
        self.momentum = momentum
        self.projection = Projection(channels, WIDTH, DIRECTIONS)
        self.teacher = frozen_copy(Projection(channels, WIDTH, DIRECTIONS), self.projection)

    def project(self, views: Tensor, crops: Tensor) -> tuple[Tensor, Tensor]:
        """(B, V + J, directions) of all crops, and (B, V, directions) of the teacher.

        ``views`` (B, V, 3, H, W) are whole images, ``crops`` (B, J, 3, h, w) parts.
        """
        follow(self.teacher, self.projection, self.momentum)
        whole, parts = (class_tokens(self.backbone, images) for images in (views, crops))
        with torch.no_grad():
            targets = self.teacher(whole.detach())
        return self.projection(torch.cat((whole, parts), 1)), targets


class SecoNetwork(TokenNetwork):
    """``momentum``: of the second encoder and of its projection; ``queue``: remembered keys.

    ``start``: the tag of keys that are random numbers still. ``width``: of projections, by default
    that of the backbone, as released: prototypes of its class tokens are compared with them.
    """

    prototypes: Tensor

    def __init__(
        self,
        backbone: Backbone,
        second: Backbone,
        classes: int,
        layer: int,
        momentum: float,
        queue: int,
        start: int,
        width: int = 0,
    ) -> None:
        channels = backbone.out_channels
        width = width or channels
        super().__init__(backbone, classes, layer, Aspp(channels, classes + 1))
        self.momentum = momentum
        self.second = frozen_copy(second, backbone)
        self.projection = Projection(channels, width)
        self.teacher = frozen_copy(Projection(channels, width), self.projection)
        self.queue = Queue(queue, width, start)
        self.register_buffer("prototypes", torch.randn(classes, channels))

    def move_prototypes(self, tokens: Tensor, tags: Tensor) -> None:
        """Move prototypes to the class tokens (B, D) of images with one class."""
        self.prototypes.copy_(moved_prototypes(self.prototypes, tokens.detach(), tags))

    def remember(
        self, views: Tensor, queries: Tensor, keys: Tensor, tags: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Projected queries (B N, width), then what they are compared with, and its tags.

        ``views`` (B, V, 3, H, W) are whole images; ``queries`` and ``keys`` (B, J, 3, h, w) two
        looks at the same parts; ``tags`` (B, V + J). The new keys are in the queue as well.
        """
        whole, parts = (class_tokens(self.backbone, images) for images in (views, queries))
        projected = self.projection(torch.cat((whole, parts), 1).flatten(0, 1))
        with torch.no_grad():
            follow(self.second, self.backbone, self.momentum)
            follow(self.teacher, self.projection, self.momentum)
            slow = torch.cat((whole, class_tokens(self.second, keys)), 1)
            own = self.teacher(slow.flatten(0, 1))
        flat = tags.flatten()
        self.queue.add(own, flat)
        kept = torch.cat((projected, own, self.queue.keys.clone()))
        return projected, kept, torch.cat((flat, flat, self.queue.tags.clone()))


@dataclass(frozen=True)
class TocoShape(NetworkShape[TocoNetwork]):
    """What rebuilds a TocoNetwork."""

    kind = TocoNetwork

    classes: int
    layer: int
    momentum: float


@dataclass(frozen=True)
class SecoShape(NetworkShape[SecoNetwork]):
    """What rebuilds a SecoNetwork."""

    classes: int
    layer: int
    momentum: float
    queue: int
    start: int

    def assemble(self, backbone: Backbone) -> SecoNetwork:
        second = backbones.build(**self.backbone)
        return SecoNetwork(
            backbone, second, self.classes, self.layer, self.momentum, self.queue, self.start
        )
