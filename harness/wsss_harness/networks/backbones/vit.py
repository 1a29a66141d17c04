"""Vision transformers of timm under its tensor names, with access to their tokens and attention.

Dosovitskiy et al., "An Image is Worth 16x16 Words", ICLR 2021. Also the image tower of CLIP
(Radford et al., ICML 2021).
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from typing import Any, Literal

import torch
from timm.models.vision_transformer import VisionTransformer
from torch import Tensor, nn

from wsss_harness.contract.errors import ConfigError, DataError
from wsss_harness.networks.backbones.base import Backbone, Normalise, choose, statistics
from wsss_harness.networks.backbones.positions import METHODS, Grid, resample, side

Attention = Literal["none", "mean", "heads"]
Stem = Literal["patch", "convolutions"]
DEVIATION = 0.02  # of the initial values of tokens and positions


@dataclass(frozen=True)
class Shape:
    """The sizes of a vision transformer; ``patch`` in pixels."""

    dim: int
    depth: int
    heads: int
    patch: int

    @staticmethod
    def of(size: str, **changes: int | None) -> "Shape":
        """The sizes called ``size``, with the ``changes`` that are not None."""
        shape = replace(SIZES[size], **{n: v for n, v in changes.items() if v is not None})
        check_numbers(**asdict(shape))
        if shape.dim % shape.heads:
            raise ConfigError(
                f"heads of a vision transformer is {shape.heads}, which does not divide dim "
                f"{shape.dim}"
            )
        return shape

    def options(self, grid: int, clip: bool) -> dict[str, Any]:
        """Those of timm's VisionTransformer without a head."""
        return {
            "img_size": grid * self.patch,
            "patch_size": self.patch,
            "embed_dim": self.dim,
            "depth": self.depth,
            "num_heads": self.heads,
            "num_classes": 0,
            "global_pool": "",
            "pre_norm": clip,
            "norm_layer": partial(nn.LayerNorm, eps=1e-5 if clip else 1e-6),
            "act_layer": "quick_gelu" if clip else "gelu",
        }


SIZES: Mapping[str, Shape] = {
    "vit_slim": Shape(64, 4, 4, 8),
    "vit_small": Shape(384, 12, 6, 16),
    "vit_base": Shape(768, 12, 12, 16),
    "clip_vit_base": Shape(768, 12, 12, 16),
}


def check_numbers(drop_path: float = 0.0, **counts: int) -> None:
    """Raise ConfigError if one of the ``counts`` is below 1, or ``drop_path`` is no rate."""
    for option, count in counts.items():
        if count < 1:
            raise ConfigError(f"{option} of a vision transformer is {count}; expected at least 1")
    if not 0 <= drop_path < 1:
        raise ConfigError(
            f"drop_path of a vision transformer is {drop_path}; expected a rate from 0 to below 1"
        )


@dataclass(frozen=True)
class Tokens:
    """The tokens of B images after each block, without the last normalisation.

    ``layers``: (B, class tokens + h * w, D) each, patches in rows of the ``grid`` (h, w).
    ``attention``: of each block, queries in rows: (B, N, N), the mean over heads, or (B, heads, N,
    N); empty unless asked for.
    """

    layers: tuple[Tensor, ...]
    attention: tuple[Tensor, ...]
    grid: Grid
    class_tokens: int

    def classes(self, layer: int = -1) -> Tensor:
        """(B, class tokens, D)"""
        return self.layers[layer][:, : self.class_tokens]

    def patches(self, layer: int = -1) -> Tensor:
        """(B, D, h, w)"""
        return as_map(self.layers[layer], self.class_tokens, self.grid)


def as_map(tokens: Tensor, class_tokens: int, grid: Grid) -> Tensor:
    """The patches of (B, class tokens + h * w, D) as (B, D, h, w)."""
    return tokens[:, class_tokens:].transpose(1, 2).reshape(len(tokens), -1, *grid)


def early(dim: int, patch: int) -> nn.Sequential:
    """3x3 convolutions of stride 2 down to one token for each patch, then a 1x1 one.

    Xiao et al., "Early Convolutions Help Transformers See Better", NeurIPS 2021, sec. 4, with
    normalisations that need no statistics of batches. Each halves the grid and doubles the width.
    """
    halvings = patch.bit_length() - 1
    if patch != 2**halvings or patch == 1 or dim % 2 ** (halvings - 1):
        raise ConfigError(
            f"a stem of convolutions needs a patch that is a power of 2 and halves dim for each "
            f"but the last convolution; patch is {patch} and dim {dim}. Set stem = 'patch'"
        )
    layers: list[nn.Module] = []
    channels = 3
    for step in reversed(range(halvings)):
        width = dim // 2**step
        convolution = nn.Conv2d(channels, width, 3, 2, 1, bias=False)
        layers += [convolution, nn.GroupNorm(1, width), nn.ReLU()]
        channels = width
    return nn.Sequential(*layers, nn.Conv2d(dim, dim, 1))


def attend(block: Any, tokens: Tensor) -> tuple[Tensor, Tensor]:
    """The tokens after a block, and the weights (B, heads, N, N) of its attention."""
    return attend_to(block, tokens, block.norm1(tokens))


def attend_to(block: Any, tokens: Tensor, normalised: Tensor) -> tuple[Tensor, Tensor]:
    """As ``attend``, for tokens whose first normalisation in the block is given."""
    attention = block.attn
    qkv = attention.qkv(normalised).unflatten(2, (3, attention.num_heads, -1))
    query, key, value = qkv.permute(2, 0, 3, 1, 4)
    weights = (query * attention.scale @ key.transpose(-2, -1)).softmax(-1)
    mixed = attention.proj((weights @ value).transpose(1, 2).flatten(2))
    tokens = tokens + block.drop_path1(mixed)
    return tokens + block.drop_path2(block.mlp(block.norm2(tokens))), weights


class ViT(Backbone, VisionTransformer):  # type: ignore[misc]
    """Taps block1, block2, ... and out: maps of the patch tokens after each block.

    A remainder of the image that fills no patch is ignored, as in all released networks.
    ``dim``, ``depth``, ``heads``, ``patch``: by default those in SIZES. ``class_tokens``: their
    number. ``grid``: patches along each side where positions were learnt; ``positions``: how they
    are resized for other images; ``loaded_positions``: how those in a file of weights are resized
    to ``grid``; see positions.METHODS. ``final_norm``: normalise the last tap. ``drop_path``: the
    rate of stochastic depth at the last block, rising from zero. ``embed``: the numbers of CLIP's
    projection, or 0 for none; no tap uses it. ``stem``: how patches become tokens, by one ``patch``
    convolution, or by 3x3 ``convolutions`` of stride 2, the default of vit_slim: see ``early``.

    CLIP's tower normalises before the first block too, has QuickGELU, and its patches no bias.
    """

    blocks: Sequence[Any]
    patch_embed: Any
    norm: Any
    norm_pre: Any

    def __init__(
        self,
        size: str,
        dim: int | None = None,
        depth: int | None = None,
        heads: int | None = None,
        patch: int | None = None,
        grid: int = 14,
        class_tokens: int = 1,
        positions: str = "bicubic",
        loaded_positions: str = "bicubic",
        final_norm: bool = True,
        drop_path: float = 0.0,
        normalise: Normalise | None = None,
        embed: int = 0,
        stem: Stem | None = None,
    ) -> None:
        shape = Shape.of(size, dim=dim, depth=depth, heads=heads, patch=patch)
        choose("positions", positions, METHODS)
        choose("loaded_positions", loaded_positions, METHODS)
        check_numbers(grid=grid, class_tokens=class_tokens, drop_path=drop_path)
        clip = size.startswith("clip")
        VisionTransformer.__init__(self, **shape.options(grid, clip), drop_path_rate=drop_path)
        self.mean, self.std = statistics(normalise or ("clip" if clip else "imagenet"))
        self.out_channels, self.stride, self.grid = shape.dim, shape.patch, grid
        self.positions, self.loaded_positions = positions, loaded_positions
        self.final_norm, self.class_tokens = final_norm, class_tokens
        self._add_tokens(shape.dim)
        stem = stem or ("convolutions" if size == "vit_slim" else "patch")
        choose("stem", stem, ("patch", "convolutions"))
        if stem == "convolutions":
            self.patch_embed.proj = early(shape.dim, shape.patch)
        self.projection = nn.Linear(shape.dim, embed, bias=False) if embed else None

    def _add_tokens(self, dim: int) -> None:
        """Class tokens and positions for the number that was asked for."""
        self.cls_token = nn.Parameter(torch.empty(1, self.class_tokens, dim))
        self.pos_embed = nn.Parameter(torch.empty(1, self.class_tokens + self.grid**2, dim))
        for parameter in (self.cls_token, self.pos_embed):
            nn.init.trunc_normal_(parameter, std=DEVIATION)

    def forward(self, images: Tensor) -> dict[str, Tensor]:
        tokens, grid = self.embedded(images)
        taps = {}
        for number, block in enumerate(self.blocks, 1):
            tokens = block(tokens)
            taps[f"block{number}"] = as_map(tokens, self.class_tokens, grid)
        del taps[f"block{len(self.blocks)}"]
        last = self.norm(tokens) if self.final_norm else tokens
        return taps | {"out": as_map(last, self.class_tokens, grid)}

    def tokens(self, images: Tensor, attention: Attention = "none") -> Tokens:
        """All tokens of normalised images (B, 3, H, W), and the attention if asked for."""
        tokens, grid = self.embedded(images)
        layers, maps = [], []
        for block in self.blocks:
            if attention == "none":
                tokens = block(tokens)
            else:
                tokens, weights = attend(block, tokens)
                maps.append(weights if attention == "heads" else weights.mean(1))
            layers.append(tokens)
        return Tokens(tuple(layers), tuple(maps), grid, self.class_tokens)

    def embedded(self, images: Tensor) -> tuple[Tensor, Grid]:
        """The tokens before the first block, (B, class tokens + h * w, D), and (h, w).

        Raises:
            DataError: the images are smaller than a patch.
        """
        if min(images.shape[2:]) < self.stride:
            raise DataError(
                f"an image of {images.shape[2]} x {images.shape[3]} pixels is smaller than a patch "
                f"of {self.stride}; leave out images, scales or crops of this size"
            )
        grid = (images.shape[2] // self.stride, images.shape[3] // self.stride)
        height, width = (count * self.stride for count in grid)
        patches = self.patch_embed.proj(images[:, :, :height, :width])
        classes = self.cls_token.expand(len(images), -1, -1)
        tokens = torch.cat((classes, patches.flatten(2).transpose(1, 2)), 1)
        tokens = tokens + self.positions_at(grid)
        before: Tensor = self.norm_pre(tokens)
        return before, grid

    def positions_at(self, grid: Grid) -> Tensor:
        """(1, class tokens + h * w, D) for ``grid`` (h, w)."""
        return resample(self.pos_embed, self.class_tokens, grid, self.positions)

    def adapted(self, state: dict[str, Tensor]) -> dict[str, Tensor]:
        """Published tensors with as many class tokens and positions as the network has.

        A single class token and its position are copied for each; positions of another square grid
        are resized.
        """
        if not {"cls_token", "pos_embed"} <= state.keys():
            return state
        token, embedding = state["cls_token"], state["pos_embed"]
        known = token.shape[1]
        if side(embedding, known) is not None:
            size = (self.grid, self.grid)
            embedding = resample(embedding, known, size, self.loaded_positions)
        if known == 1 < self.class_tokens:
            token = token.repeat(1, self.class_tokens, 1)
            first = embedding[:, :1].repeat(1, self.class_tokens, 1)
            embedding = torch.cat((first, embedding[:, 1:]), 1)
        return self._with_projection({**state, "cls_token": token, "pos_embed": embedding})

    def _with_projection(self, state: dict[str, Tensor]) -> dict[str, Tensor]:
        """timm keeps CLIP's projection as the classifier."""
        if self.projection is None or "head.weight" not in state:
            return state
        return {"projection.weight": state["head.weight"], **state}
