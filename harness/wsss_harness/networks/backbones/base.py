"""The interface of every backbone, and what they share: freezing, and the shapes of features."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from wsss_harness.contract.errors import ConfigError

Colour = tuple[float, float, float]
PROBE = 64  # side of the image that features are measured on
Normalise = Literal["imagenet", "half", "caffe", "clip"] | Sequence[Sequence[float]]

STATISTICS: dict[str, tuple[Colour, Colour]] = {
    "imagenet": ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
    "half": ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5)),
    "clip": ((0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)),
    # Levels of 0 to 255 minus their mean, as the networks of DeepLab saw them in Caffe.
    "caffe": ((122.675 / 255, 116.669 / 255, 104.008 / 255), (1 / 255, 1 / 255, 1 / 255)),
}


class Backbone(nn.Module):
    """Normalised images (B, 3, H, W) in, named features out; the last has the name "out".

    ``mean`` and ``std`` normalise RGB values in 0..1. ``train()`` keeps frozen parts frozen.
    """

    out_channels: int
    stride: int
    mean: Colour
    std: Colour

    def forward(self, images: Tensor) -> dict[str, Tensor]:
        raise NotImplementedError

    def adapted(self, state: dict[str, Tensor]) -> dict[str, Tensor]:
        """Published tensors in the form of this network; most need no change."""
        return state


def statistics(normalise: Normalise) -> tuple[Colour, Colour]:
    """Mean and standard deviation of RGB in 0..1, from a name or from two lists of three."""
    if isinstance(normalise, str):
        choose("normalise", normalise, STATISTICS)
        return STATISTICS[normalise]
    if [len(values) for values in normalise] != [3, 3] or min(normalise[1]) <= 0:
        raise ConfigError(
            f"normalise is {normalise!r}; give one of {', '.join(STATISTICS)} or three means and "
            "three positive standard deviations"
        )
    (r, g, b), (dr, dg, db) = normalise
    return (r, g, b), (dr, dg, db)


def choose(option: str, value: object, allowed: Collection[object]) -> None:
    """Raise ConfigError if ``value`` of ``option`` is not among ``allowed``."""
    if value not in allowed:
        choices = ", ".join(map(str, allowed))
        raise ConfigError(f"{option} is {value!r}; choose one of {choices}")


def freeze_norms(module: nn.Module, affine: bool = True) -> None:
    """Make every batch normalisation use its running statistics and keep its parameters.

    Without ``affine`` its weight and bias are still trained.
    """
    for part in module.modules():
        if isinstance(part, _BatchNorm):
            part.eval()
            if affine:
                part.requires_grad_(False)


@dataclass(frozen=True)
class Tap:
    """``stride``: the distance in image pixels between neighbours on the grid of the features."""

    channels: int
    stride: int


@torch.no_grad()
def taps_of(backbone: Backbone) -> dict[str, Tap]:
    """All features of the backbone in its order, measured on an empty image."""
    was_training = backbone.training
    features = backbone.eval()(torch.zeros(1, 3, PROBE, PROBE))
    backbone.train(was_training)
    return {name: Tap(tap.shape[1], PROBE // tap.shape[2]) for name, tap in features.items()}
