"""Training of SGAN's network on seeds of a generator."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from wsss_harness import write_json
from wsss_harness.networks.backbones.weights import load_released, load_weights
from wsss_harness.networks.classmaps.fitting import labelled_ids
from wsss_harness.networks.training.loop import Draws, fit_network
from wsss_harness.networks.training.optimizers import is_in, make_optimizer, sgd
from wsss_sgan.items import Squashing, item_maker
from wsss_sgan.loss import SganLoss
from wsss_sgan.settings import CLASSES

if TYPE_CHECKING:
    from torch import nn
    from torch.optim import Optimizer

    from wsss_harness import ClassScores, Run, View
    from wsss_sgan.network import SganNetwork
    from wsss_sgan.settings import SganSettings


def fit(settings: SganSettings, data: View, scores: Callable[[str], ClassScores], run: Run) -> None:
    """Train a network, or load a checkpoint; write it and the names of the classes."""
    shape = settings.shape(len(data.classes))
    network = shape.build(run.seed)
    if settings.checkpoint is not None:
        load_released(network, Path(settings.checkpoint), settings.released, settings.adapt)
    else:
        if run.weights is not None:
            load_weights(network.backbone, run.weights)
        learn(settings, network, data, scores, run)
    write_json(run.folder / CLASSES, list(data.classes))
    shape.save(network, run)


def learn(
    settings: SganSettings,
    network: SganNetwork,
    data: View,
    scores: Callable[[str], ClassScores],
    run: Run,
) -> None:
    squashing = Squashing.of(settings, network.backbone)
    make = item_maker(data, scores, settings, squashing)
    fit_network(
        network,
        SganLoss(settings.seed_weight),
        Draws(labelled_ids(data, settings.unlabelled), make, run.seed),
        run,
        settings,
        optimizer=optimizer_of(network, settings),
    )


def optimizer_of(network: SganNetwork, settings: SganSettings) -> Optimizer:
    """SGD in four groups: weights and biases of the backbone, and of the rest with gamma.

    Biases do not decay, gamma does (yaoqi-zd/SGAN: lib/network/sgan.py). Other optimizers have the
    two groups of all methods.
    """
    if settings.optimizer != "sgd":
        return make_optimizer(network, settings)
    network.train()  # a backbone freezes its parts here
    groups: tuple[list[nn.Parameter], ...] = ([], [], [], [])
    for name, parameter in network.named_parameters():
        if parameter.requires_grad:
            added = is_in(name, network.heads)
            groups[2 * added + name.endswith("bias")].append(parameter)
    factors = (1.0, 2.0, settings.head_lr, 2.0 * settings.head_lr)
    return sgd(groups, settings.lr, settings.weight_decay, settings.momentum, factors)
