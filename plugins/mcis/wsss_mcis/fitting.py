"""Training of MCIS on pairs of images."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from torch import Tensor, nn
from torch.optim import SGD

from wsss_harness import write_json
from wsss_harness.networks.backbones.weights import load_released, load_weights
from wsss_harness.networks.classmaps.fitting import labelled_ids
from wsss_harness.networks.training.loop import Draws, fit_network
from wsss_harness.networks.training.loop import schedule_of as usual_schedule
from wsss_harness.networks.training.optimizers import FACTORS, make_optimizer, momentum_value
from wsss_mcis.inference import SEED
from wsss_mcis.items import COPIES, PairMaker, Squash, squash_of
from wsss_mcis.loss import losses
from wsss_mcis.partners import Partners

if TYPE_CHECKING:
    from torch.optim import Optimizer

    from wsss_harness import Batch, Run, View
    from wsss_mcis.network import McisNetwork
    from wsss_mcis.settings import McisSettings


def fit(settings: McisSettings, data: View, run: Run) -> None:
    """Train a network, or load a checkpoint, and write it to the run's folder."""
    shape = settings.shape(len(data.classes))
    network = shape.build(run.seed)
    squash = squash_of(settings, network.backbone)
    if settings.checkpoint is not None:
        load_released(network, Path(settings.checkpoint), settings.released, settings.adapt)
    else:
        if run.weights is not None:
            load_weights(network.backbone, run.weights)
        learn(settings, network, squash, data, run)
    write_json(run.folder / SEED, run.seed)
    shape.save(network, run)


def learn(
    settings: McisSettings, network: McisNetwork, squash: Squash, data: View, run: Run
) -> None:
    ids = labelled_ids(data, settings.unlabelled)
    partners = Partners.among(data, ids)
    make = PairMaker(data, partners, settings.partners, squash, settings.jitter)
    fit_network(
        network,
        lambda _, batch: batch_losses(network, batch, settings.rest_from),
        Draws(ids, make, run.seed),
        run,
        settings,
        optimizer=optimizer_of(network, settings),
        schedule=schedule_of(settings),
    )


def schedule_of(settings: McisSettings) -> dict[str, Any]:
    """A tenth of the rate of MCIS's own SGD from each of the drops; else the usual schedule."""
    if settings.optimizer != "sgd":
        return usual_schedule(settings)
    return {"type": "MultiStepLR", "milestones": list(settings.lr_drops), "gamma": 0.1}


def optimizer_of(network: McisNetwork, settings: McisSettings) -> Optimizer:
    """SGD with Nesterov's momentum: weights and biases, then those of the heads; all of it decays.

    GuoleiSun/MCIS_wsss: Classifier/scripts/my_optim.py. Other optimizers have the two groups of all
    methods.
    """
    if settings.optimizer != "sgd":
        return make_optimizer(network, settings)
    heads = tuple(f"{name}." for name in network.heads)
    groups: tuple[list[nn.Parameter], ...] = ([], [], [], [])
    for name, parameter in network.named_parameters():
        groups[2 * name.startswith(heads) + name.endswith("bias")].append(parameter)
    factors = (*FACTORS[:2], settings.head_lr, 2 * settings.head_lr)
    options = [
        {"params": group, "lr": settings.lr * factor}
        for group, factor in zip(groups, factors, strict=True)
    ]
    return SGD(
        options,
        lr=settings.lr,
        momentum=momentum_value(settings.momentum, settings.weight_decay),
        weight_decay=settings.weight_decay,
        nesterov=True,
    )


def batch_losses(network: McisNetwork, batch: Batch, rest_from: int) -> dict[str, Tensor]:
    """The losses of a pair and of the image with its copies; in training iterations are counted.

    Features of the image serve all four pairs: the released code computes them for each, with the
    same result.
    """
    first = network(batch["image"])
    pair = network.logits(
        first, network(batch["partner"]), rest=int(network.iterations) >= rest_from
    )
    copies = [network.logits(first, network(batch[name])) for name in COPIES]
    network.iterations += int(network.training)
    return losses(pair, copies, batch["present"], batch["partner_present"])
