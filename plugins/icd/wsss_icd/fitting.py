"""Training of ICD's network."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from wsss_harness import Cropping, Draws, fit_network, labelled_ids, make_optimizer
from wsss_harness.networks.backbones.weights import load_weights
from wsss_harness.networks.training.loop import schedule_of
from wsss_harness.networks.training.optimizers import RateKeepingSGD, sgd, trained_groups
from wsss_icd.direction import direction_loss
from wsss_icd.items import item_maker
from wsss_icd.loss import label_loss, top_down_loss, warmth
from wsss_icd.network import FC, SPREAD, IcdNetwork, fc_of
from wsss_icd.regions import Merger, merged_regions, regions_of, remove_regions
from wsss_icd.superpixels import memberships, smoothed

if TYPE_CHECKING:
    from torch.optim import Optimizer

    from wsss_harness import Batch, Regions, Run, Sample, View
    from wsss_icd.settings import IcdSettings


def start(network: IcdNetwork, run: Run) -> None:
    """Load the initial weights, and make the top-down branch start as a copy of fc6 and fc7.

    Weights without these two, as torchvision's, leave them to chance (js-fan/ICD: run_icd.py). A
    backbone without them leaves the branch to chance.
    """
    if run.weights is not None:
        random = torch.Generator().manual_seed(run.seed)
        for layer in fc_of(network.backbone):
            nn.init.normal_(layer.weight, std=SPREAD, generator=random)
        load_weights(network.backbone, run.weights, FC)
    network.top_down.copy_fc(network.backbone)


def learn(settings: IcdSettings, network: IcdNetwork, data: View, run: Run) -> None:
    ids = labelled_ids(data, settings.unlabelled)
    regions = region_reader(settings, network, data, run)
    cropping = Cropping.of(settings, network.backbone)
    fit_network(
        network,
        lambda _, batch: losses(network, batch, settings.top_down_warmup),
        Draws(ids, item_maker(data, regions, settings.rescale, cropping), run.seed),
        run,
        settings,
        optimizer=optimizer_of(network, settings),
        schedule=icd_schedule(settings),
    )
    remove_regions(run)


def icd_schedule(settings: IcdSettings) -> dict[str, Any]:
    """The usual rates; those of ICD's own SGD stay for ``lr_every`` iterations."""
    every = settings.lr_every if settings.optimizer == "sgd" else 1
    return {**schedule_of(settings), "every": every}


def region_reader(
    settings: IcdSettings, network: IcdNetwork, data: View, run: Run
) -> Callable[[Sample], Regions]:
    """The regions of an image, merged if the options say so."""
    if not settings.merge_to:
        return regions_of
    backbone = network.backbone.to(run.device).eval()
    merger = Merger(
        backbone, settings.merge_to, settings.canvas, settings.merge_input == "normalised"
    )
    return merged_regions(data, merger, run)


def optimizer_of(network: IcdNetwork, settings: IcdSettings) -> Optimizer:
    """SGD with the momentum of MXNet; heads have a rate of their own, and only weights decay.

    Other optimizers have the two groups of all methods.
    """
    if settings.optimizer != "sgd":
        return make_optimizer(network, settings)
    factors = (1.0, 1.0, settings.head_lr, settings.head_lr)
    rates = settings.lr, settings.weight_decay, settings.momentum
    return sgd(trained_groups(network), *rates, factors, kind=RateKeepingSGD)


def losses(network: IcdNetwork, batch: Batch, warmup: int) -> dict[str, Tensor]:
    """The losses of the three branches, each a mean over images of a sum over classes.

    In training the signs learn from the batch, and its iteration is counted.
    """
    present = batch["present"]
    outputs = network(batch["image"])
    scores, logits = outputs.scores.float(), outputs.logits.float()
    with torch.no_grad():
        shares = memberships(batch["regions"], (scores.shape[2], scores.shape[3]))
        teacher = smoothed(network.signed(outputs, present).float(), shares, present)
        factor = warmth(int(network.iterations), warmup)
        network.iterations += int(network.training)
    return {
        "loss_cls": label_loss(outputs.pooled.float(), present),
        "loss_direction": direction_loss(scores, present),
        "loss_top_down": top_down_loss(logits, teacher, present, factor),
    }
