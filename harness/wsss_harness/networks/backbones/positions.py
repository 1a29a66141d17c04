"""Position embeddings at another number of patches than they were trained on."""

from collections.abc import Callable, Mapping
from functools import partial
from math import isqrt
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import interpolate

Grid = tuple[int, int]
"""Rows and columns of patches."""

OFFSET = 0.1  # patches, against rounding of the scale factor


def resample(embedding: Tensor, class_tokens: int, grid: Grid, method: str) -> Tensor:
    """(1, class tokens + h * w, D) for ``grid`` (h, w), from one of a square grid.

    The rows of class tokens stay. ``method`` names an entry of METHODS.
    """
    return METHODS[method](embedding, class_tokens, grid)


def side(embedding: Tensor, class_tokens: int) -> int | None:
    """The patches along each side of an embedding's square grid; None if it is not square."""
    patches = embedding.shape[1] - class_tokens
    root = isqrt(max(patches, 0))
    return root if root and root * root == patches else None


def _resized(embedding: Tensor, class_tokens: int, options: Mapping[str, Any]) -> Tensor:
    classes, patches = embedding[:, :class_tokens], embedding[:, class_tokens:]
    root = isqrt(patches.shape[1])
    square = patches.reshape(1, root, root, -1).permute(0, 3, 1, 2)
    resized = interpolate(square, **options)
    return torch.cat((classes, resized.flatten(2).transpose(1, 2)), 1)


def _to_size(mode: str, embedding: Tensor, class_tokens: int, grid: Grid, **more: bool) -> Tensor:
    if grid == (side(embedding, class_tokens),) * 2:
        return embedding
    return _resized(embedding, class_tokens, {"size": grid, "mode": mode, **more})


def _with_offset(embedding: Tensor, class_tokens: int, grid: Grid) -> Tensor:
    """Bicubic, with a scale factor that is a tenth of a patch too large.

    facebookresearch/dino, vision_transformer.py; the factor also sets the places that are sampled.
    """
    root = side(embedding, class_tokens)
    if root is None or grid == (root, root):
        return embedding
    factors = tuple((length + OFFSET) / root for length in grid)
    options = {"scale_factor": factors, "mode": "bicubic", "recompute_scale_factor": False}
    return _resized(embedding, class_tokens, options)


def _rounded(embedding: Tensor, class_tokens: int, grid: Grid) -> Tensor:
    """Bilinear, then all rows, that of the class token too, rounded to 16 bits.

    linyq2117/CLIP-ES, clip/model.py: upsample_pos_emb.
    """
    return _to_size("bilinear", embedding, class_tokens, grid).half().to(embedding.dtype)


# The methods of released code, by one that uses them: ToCo, SeCo and MCTformer+ are bicubic; DINO
# and MCTformer V1 and V2 have the offset; timm itself filters (antialias). "repeat" copies the
# nearest position, as MCTformer+ fills its finer grid before training.
METHODS: Mapping[str, Callable[[Tensor, int, Grid], Tensor]] = {
    "bicubic": partial(_to_size, "bicubic"),
    "dino": _with_offset,
    "timm": partial(_to_size, "bicubic", antialias=True),
    "clip_es": _rounded,
    "repeat": partial(_to_size, "nearest"),
}
