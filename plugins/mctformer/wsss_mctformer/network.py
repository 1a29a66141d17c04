"""The network of MCTformer: a vision transformer with a token for each class, and a patch head.

xulianuwa/MCTformer: models.py, vision_transformer.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from wsss_harness import Backbone, ClassMaps, ClassMapsShape, ConfigError
from wsss_harness.networks.backbones.vit import Attention, Tokens, ViT
from wsss_mctformer.losses import ranked_pool


@dataclass(frozen=True)
class MctOutputs:
    """What the network says of B images.

    ``class_logits``: (B, C), of the class tokens. ``patch_maps``: (B, C, h, w), raw, and
    ``patch_logits``: (B, C), of the patch head; None in V1, which has no such head.
    ``class_tokens``: (B, C, D) after each block. ``attention``: (B, C + h w, C + h w) of each
    block, the mean over heads; empty unless asked for.
    """

    class_logits: Tensor
    patch_maps: Tensor | None
    patch_logits: Tensor | None
    class_tokens: Sequence[Tensor]
    attention: Sequence[Tensor]
    grid: tuple[int, int]


class MctNetwork(ClassMaps):
    """Logits from two places: each class token's mean, and a 3x3 head on the patches.

    ``patch_head``: whether there is one. ``decay``: of its pooling, see losses.ranked_pool.
    ``norm_patches``: apply the last normalisation before the head. The released code never applies
    it; of class tokens it would make the means all alike.
    """

    backbone: ViT

    def __init__(
        self,
        backbone: Backbone,
        classes: int,
        dropout: float,
        patch_head: bool,
        decay: float,
        norm_patches: bool,
    ) -> None:
        if not isinstance(backbone, ViT):
            raise ConfigError("MCTformer needs a vision transformer as its backbone")
        super().__init__(backbone, classes, "head_then_pool", dropout)
        self.decay, self.norm_patches, self.patch_head = decay, norm_patches, patch_head
        channels = backbone.out_channels
        del self.head
        if patch_head:
            self.head = nn.Conv2d(channels, classes, 3, padding=1)

    @property
    def device(self) -> torch.device:
        device: torch.device = self.backbone.cls_token.device
        return device

    def forward(  # type: ignore[override]
        self, images: Tensor, attention: Attention = "none"
    ) -> MctOutputs:
        tokens = self.backbone.tokens(images, attention)
        maps = self.patch_maps(tokens) if self.patch_head else None
        return MctOutputs(
            tokens.classes().mean(-1),
            maps,
            None if maps is None else ranked_pool(maps, self.decay),
            [tokens.classes(layer) for layer in range(len(tokens.layers))],
            tokens.attention,
            tokens.grid,
        )

    def patch_maps(self, tokens: Tokens) -> Tensor:
        """(B, C, h, w), raw."""
        patches = tokens.patches()
        if self.norm_patches:
            patches = self.backbone.norm(patches.movedim(1, -1)).movedim(-1, 1)
        maps: Tensor = self.head(self.dropout(patches))
        return maps


@dataclass(frozen=True)
class MctShape(ClassMapsShape):
    """What rebuilds MctNetwork."""

    patch_head: bool = True
    decay: float = 1.0
    norm_patches: bool = False

    def assemble(self, backbone: Backbone) -> MctNetwork:
        return MctNetwork(
            backbone, self.channels, self.dropout, self.patch_head, self.decay, self.norm_patches
        )
