"""Training of SGAN's network on seeds of a generator."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wsss_harness.networks.training.optimizers import sgd

if TYPE_CHECKING:
    from torch import nn
    from torch.optim import Optimizer

    from wsss_sgan.network import SganNetwork
    from wsss_sgan.settings import SganSettings


def optimizer_of(network: SganNetwork, settings: SganSettings) -> Optimizer:
    """SGD in four groups: weights and biases of the backbone, and of the rest with gamma.

    Biases do not decay, gamma does (yaoqi-zd/SGAN: lib/network/sgan.py).
    """
    network.train()  # a backbone freezes its parts here
    groups: tuple[list[nn.Parameter], ...] = ([], [], [], [])
    for name, parameter in network.named_parameters():
        if parameter.requires_grad:
            added = name.startswith(network.heads)
            groups[2 * added + name.endswith("bias")].append(parameter)
    factors = (1.0, 2.0, settings.head_lr, 2.0 * settings.head_lr)
    return sgd(groups, settings.lr, settings.weight_decay, settings.momentum, factors)
