"""Train a network with the options that plugins share: optimizer, schedule and loop."""

from collections.abc import Mapping
from typing import Any

from torch import nn
from torch.optim import AdamW, Optimizer

from wsss_harness.contract.hookspecs import Run
from wsss_harness.networks.training import optimizers
from wsss_harness.networks.training.loop import Draws, Loss, train
from wsss_harness.networks.training.settings import TrainingSettings


class Headed(nn.Module):
    """A network that names its ``heads``, the parts without pretrained weights."""

    heads: tuple[str, ...]


def make_optimizer(network: Headed, settings: TrainingSettings) -> Optimizer:
    """SGD in the four groups of the psa lineage, or AdamW in two; heads have a higher rate."""
    network.train()  # a backbone freezes its parts here
    lr, decay, factor = settings.lr, settings.weight_decay, settings.head_lr
    if settings.optimizer == "sgd":
        groups = optimizers.parameter_groups(network, network.heads)
        factors = (1.0, 2.0, factor, 2.0 * factor)
        return optimizers.sgd(groups, lr, decay, settings.momentum, factors)
    return AdamW(adam_groups(network, lr, factor), lr=lr, weight_decay=decay)


def adam_groups(network: Headed, lr: float, factor: float) -> list[dict[str, Any]]:
    """Trained parameters of the rest and of the heads, with normalisations that are not frozen."""
    trained = {n: p for n, p in network.named_parameters() if p.requires_grad}
    head = [p for n, p in trained.items() if n.startswith(network.heads)]
    rest = [p for n, p in trained.items() if not n.startswith(network.heads)]
    groups = [{"params": rest, "lr": lr}, {"params": head, "lr": lr * factor}]
    return [group for group in groups if group["params"]]


class WarmPolyLR(optimizers.ReleasedPolyLR):
    """The poly schedule, times a factor that reaches one at the end of ``warmup`` iterations."""

    def __init__(self, optimizer: Any, warmup: int, **options: Any) -> None:
        self.warmup = warmup
        super().__init__(optimizer, **options)

    def _get_value(self) -> list[float]:
        factor = min(1.0, (self.last_step + 1) / max(self.warmup, 1))
        return [rate * factor for rate in super()._get_value()]


def schedule(settings: TrainingSettings) -> list[Mapping[str, Any]]:
    return [
        {
            "type": WarmPolyLR,
            "warmup": settings.warmup,
            "max_step": settings.iterations,
            "power": settings.power,
            "by_epoch": False,
        }
    ]


def fit_network(
    network: Headed,
    loss: Loss,
    draws: Draws,
    run: Run,
    settings: TrainingSettings,
) -> None:
    """Train ``network`` in place; resume from the state of an interrupted run, if there is one.

    Raises:
        StageError: the loss is no longer finite.
    """
    train(
        network,
        loss,
        draws,
        run,
        iterations=settings.iterations,
        batch=settings.batch,
        optimizer=make_optimizer(network, settings),
        schedule=schedule(settings),
        checkpoint_every=settings.checkpoint_every,
        workers=settings.workers,
        arithmetic=settings.arithmetic,
    )
