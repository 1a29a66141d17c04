"""Recomputed statistics of batch normalisation."""

import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.utils.data import default_collate

from wsss_harness.networks.training.loop import Draws


@torch.no_grad()
def recalibrate(network: nn.Module, draws: Draws, batches: int, size: int) -> None:
    """Recompute running means and variances as their plain average over batches of ``draws``.

    Statistics kept during training lag behind the weights and include the noise of dropout. Here
    only the normalisations are in training mode.
    """
    norms = [module for module in network.modules() if isinstance(module, _BatchNorm)]
    momenta = [norm.momentum for norm in norms]
    network.eval()
    for norm in norms:
        norm.reset_running_stats()
        norm.train()
        norm.momentum = None  # torch then averages over all batches
    device = next(network.parameters()).device
    for first in range(0, batches * size, size):
        batch = default_collate([draws[first + index] for index in range(size)])
        network(batch["image"].to(device))
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum
    network.eval()
