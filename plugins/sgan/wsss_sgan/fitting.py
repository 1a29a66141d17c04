"""Training of SGAN's network on seeds of a generator."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from wsss_harness import Draws, fit_network, labelled_ids, make_optimizer
from wsss_harness.networks.training.optimizers import sgd, trained_groups
from wsss_sgan.items import Squashing, item_maker
from wsss_sgan.loss import SganLoss

if TYPE_CHECKING:
    from torch.optim import Optimizer

    from wsss_harness import ClassScores, Run, View
    from wsss_sgan.network import SganNetwork
    from wsss_sgan.settings import SganSettings


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
    factors = (1.0, 2.0, settings.head_lr, 2.0 * settings.head_lr)
    rates = settings.lr, settings.weight_decay, settings.momentum
    return sgd(trained_groups(network), *rates, factors)
