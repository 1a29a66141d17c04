"""Grad-CAM of CLIP's last block, with the softmax over classes and background words.

Lin et al., "CLIP is Also an Efficient Segmenter: A Text-Driven Approach for Weakly Supervised
Semantic Segmentation", CVPR 2023, section 3.2, equations 1 to 3; linyq2117/CLIP-ES:
generate_cams_voc12.py, pytorch_grad_cam.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn.functional import normalize

from wsss_harness.networks.backbones.vit import attend, attend_to

if TYPE_CHECKING:
    from wsss_harness.networks.backbones.vit import ViT

SCALE = 100.0  # of cosines: exp of CLIP's logit scale


@dataclass(frozen=True)
class BeforeLast:
    """``tokens`` (1, 1 + h * w, W) that enter the last block, and the attention of those before.

    ``attention``: (1 + h * w, 1 + h * w) each, a mean over heads. ``grid``: (h, w).
    """

    tokens: Tensor
    attention: tuple[Tensor, ...]
    grid: tuple[int, int]


@torch.no_grad()
def before_last(backbone: ViT, image: Tensor) -> BeforeLast:
    """What the last block sees of a normalised image (1, 3, H, W)."""
    tokens, grid = backbone.embedded(image)
    attention = []
    for block in backbone.blocks[:-1]:
        tokens, weights = attend(block, tokens)
        attention.append(weights.mean(1)[0])
    return BeforeLast(tokens, tuple(attention), grid)


@dataclass(frozen=True)
class GradCams:
    """``maps`` (K, h, w) before scaling; ``shares`` (K + B,) of classes and background words.

    ``activation`` (h * w, W) are the patches after ln_1 of the last block, ``channels`` (K, W)
    their mean gradients, ``attention`` (1 + h * w, 1 + h * w) that of the last block.
    """

    maps: Tensor
    shares: Tensor
    activation: Tensor
    channels: Tensor
    attention: Tensor


def grad_cams(backbone: ViT, seen: BeforeLast, texts: Tensor, classes: int) -> GradCams:
    """Maps of the first ``classes`` of the ``texts`` (K + B, E), which have length 1.

    The gradient is that of a softmax probability; CLIP's image feature is the mean of patch tokens,
    not its class token.
    """
    block, projection = backbone.blocks[-1], backbone.projection
    assert projection is not None  # ClipEs asks for the option embed
    with torch.enable_grad():
        normalised = block.norm1(seen.tokens).detach().requires_grad_()
        tokens, weights = attend_to(block, seen.tokens, normalised)
        feature = projection(backbone.norm(tokens)[:, 1:].mean(1))
        shares = (SCALE * normalize(feature, dim=1) @ texts.T).softmax(1)[0]
        gradients = [
            torch.autograd.grad(shares[number], normalised, retain_graph=True)[0][0, 1:]
            for number in range(classes)
        ]
    activation = normalised.detach()[0, 1:]
    channels = torch.stack(gradients).mean(1)
    maps = (channels @ activation.T).relu().unflatten(1, seen.grid)
    return GradCams(maps, shares.detach(), activation, channels, weights.detach().mean(1)[0])
