"""Training of MCIS on pairs of images."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from torch import Tensor

from wsss_harness import Draws, fit_network, labelled_ids, make_optimizer
from wsss_harness.networks.training.loop import schedule_of as usual_schedule
from wsss_harness.networks.training.optimizers import sgd, trained_groups
from wsss_mcis.items import COPIES, PairMaker, squash_of
from wsss_mcis.loss import losses
from wsss_mcis.partners import Partners

if TYPE_CHECKING:
    from torch.optim import Optimizer

    from wsss_harness import Batch, Run, View
    from wsss_mcis.network import McisNetwork
    from wsss_mcis.settings import McisSettings


def learn(settings: McisSettings, network: McisNetwork, data: View, run: Run) -> None:
    squash = squash_of(settings, network.backbone)
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
    decay, factors = settings.weight_decay, (1.0, 2.0, settings.head_lr, 2 * settings.head_lr)
    return sgd(
        trained_groups(network),
        settings.lr,
        decay,
        settings.momentum,
        factors,
        bias_decay=decay,
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
