"""What the named features of a backbone look like."""

from dataclasses import dataclass

import torch

from wsss_harness.networks.backbones.base import Backbone

PROBE = 64


@dataclass(frozen=True)
class Tap:
    """``stride``: pixels of the image between neighbours on the grid of the features."""

    channels: int
    stride: int


@torch.no_grad()
def taps_of(backbone: Backbone) -> dict[str, Tap]:
    """Each feature that the backbone gives, in its order, found by a look at an empty image."""
    was_training = backbone.training
    found = backbone.eval()(torch.zeros(1, 3, PROBE, PROBE))
    backbone.train(was_training)
    return {name: Tap(tap.shape[1], PROBE // tap.shape[2]) for name, tap in found.items()}
