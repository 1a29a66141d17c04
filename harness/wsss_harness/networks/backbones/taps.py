"""Channels and stride of the named features of a backbone."""

from dataclasses import dataclass

import torch

from wsss_harness.networks.backbones.base import Backbone

PROBE = 64


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
