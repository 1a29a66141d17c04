"""The optimizers and learning rates of the psa lineage and of DeepLab.

Read from jiwoon-ahn/psa and halbielee/EPS (tool/torchutils.py, network/resnet38_cls.py) and from
kazuto1011/deeplab-pytorch (libs/utils/lr_scheduler.py).
"""

from collections.abc import Collection, Sequence
from typing import Any, Final, Literal

import torch
from mmengine.optim.scheduler.lr_scheduler import LRSchedulerMixin
from mmengine.optim.scheduler.param_scheduler import _ParamScheduler
from mmengine.registry import PARAM_SCHEDULERS
from torch import nn
from torch.optim import SGD, AdamW, Optimizer

from wsss_harness.contract.errors import ConfigError
from wsss_harness.networks.training.settings import TrainingSettings

Momentum = float | Literal["released"]
RELEASED: Final = "released"
POWER = 0.9
FACTORS = (1.0, 2.0, 10.0, 20.0)


def poly_lr(base: float, step: int, max_step: int, power: float = POWER, every: int = 1) -> float:
    """base * (1 - step / max_step) ** power, for the last step that ``every`` divides.

    From ``max_step`` on the rate keeps the last value that was not zero, as it does in the
    released optimizer of psa and in the scheduler of deeplab-pytorch.
    """
    step = min(step, max_step - 1)
    remaining = 1 - (step - step % every) / max_step
    return float(base * remaining**power)


@PARAM_SCHEDULERS.register_module()
class ReleasedPolyLR(LRSchedulerMixin, _ParamScheduler):  # type: ignore[misc]
    """``poly_lr`` as a scheduler of mmengine, for all groups of an optimizer.

    A factor reaches one at the end of ``warmup`` iterations. mmengine's PolyLR reaches zero at its
    end and derives each rate from the previous one; this one computes each from the step alone.
    """

    def __init__(
        self,
        optimizer: Any,
        max_step: int,
        power: float = POWER,
        every: int = 1,
        warmup: int = 0,
        **options: Any,
    ) -> None:
        self.max_step, self.power, self.every, self.warmup = max_step, power, every, warmup
        super().__init__(optimizer, **options)

    def _get_value(self) -> list[float]:
        factor = min(1.0, (self.last_step + 1) / max(self.warmup, 1))
        return [
            poly_lr(base, self.last_step, self.max_step, self.power, self.every) * factor
            for base in self.base_values
        ]


def parameter_groups(
    network: nn.Module, heads: Collection[str] = ()
) -> tuple[list[nn.Parameter], ...]:
    """Weights and biases of a network, then weights and biases of its heads.

    ``heads`` are names of modules without pretrained weights. Only convolutions and linear layers
    are listed, without their frozen parameters; affine parameters of normalisations are in no
    group. The released scripts build the groups before freezing and therefore also list parameters
    that never get a gradient.
    """
    groups: tuple[list[nn.Parameter], ...] = ([], [], [], [])
    for name, module in network.named_modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            first = 2 * is_in(name, heads)
            for number, parameter in enumerate((module.weight, module.bias), first):
                if isinstance(parameter, nn.Parameter) and parameter.requires_grad:
                    groups[number].append(parameter)
    return groups


class Headed(nn.Module):
    """A network that names its ``heads``, the parts without pretrained weights."""

    heads: tuple[str, ...]

    @property
    def device(self) -> torch.device:
        return next(self.parameters()).device


def trained_groups(network: Headed) -> tuple[list[nn.Parameter], ...]:
    """Weights and biases of a network, then those of its heads: all that is trained, by name."""
    network.train()  # a backbone freezes its parts here
    groups: tuple[list[nn.Parameter], ...] = ([], [], [], [])
    for name, parameter in network.named_parameters():
        if parameter.requires_grad:
            groups[2 * is_in(name, network.heads) + name.endswith("bias")].append(parameter)
    return groups


def is_in(name: str, heads: Collection[str]) -> bool:
    """Whether a module or parameter of this name is one of the heads, or in one."""
    return any(f"{name}.".startswith(f"{head}.") for head in heads)


def sgd(
    groups: Sequence[Sequence[nn.Parameter]],
    lr: float,
    weight_decay: float,
    momentum: Momentum = RELEASED,
    factors: Sequence[float] = FACTORS,
    *,
    bias_decay: float = 0.0,
    kind: type[SGD] = SGD,
    nesterov: bool = False,
) -> Optimizer:
    """SGD over four groups: rates times ``factors``, decay on the weights.

    ``momentum="released"`` takes the value of the weight decay, as psa, SEAM, SC-CAM, IRN and EPS
    do: their PolyOptimizer passes the weight decay to SGD in the place of the momentum and uses its
    own argument of 0.9 as the power of the schedule.
    """
    decays = (weight_decay, bias_decay) * 2
    options = [
        {"params": list(group), "lr": lr * factor, "weight_decay": decay}
        for group, factor, decay in zip(groups, factors, decays, strict=True)
        if group
    ]
    value = momentum_value(momentum, weight_decay)
    return kind(options, lr=lr, momentum=value, nesterov=nesterov)


def momentum_value(momentum: Momentum, weight_decay: float) -> float:
    """The number that ``momentum`` stands for; see ``sgd``."""
    if momentum == RELEASED:
        return weight_decay
    if isinstance(momentum, str):
        raise ConfigError(f"momentum '{momentum}' is unknown; give a number or '{RELEASED}'")
    return float(momentum)


class RateKeepingSGD(SGD):
    """SGD whose momentum keeps the rate of the step that it comes from, as in MXNet and Caffe.

    m <- momentum * m + rate * gradient; w <- w - m. torch's own takes the current rate for all of
    m, which differs for some steps after each change of the rate.
    """

    def step(self, closure: Any = None) -> Any:
        for group in self.param_groups:
            factor = group.get("kept_lr", group["lr"]) / group["lr"]
            group["kept_lr"] = group["lr"]
            for parameter in group["params"] if factor != 1 else ():
                momentum = self.state[parameter].get("momentum_buffer")
                if momentum is not None:
                    momentum.mul_(factor)
        return super().step(closure)


def make_optimizer(network: Headed, settings: TrainingSettings) -> Optimizer:
    """SGD in the four groups of psa, or SGD or AdamW in two; heads have a rate of their own."""
    network.train()  # a backbone freezes its parts here
    lr, decay, factor = settings.lr, settings.weight_decay, settings.head_lr
    if settings.optimizer == "sgd":
        groups = parameter_groups(network, network.heads)
        factors = (1.0, 2.0, factor, 2.0 * factor)
        return sgd(groups, lr, decay, settings.momentum, factors)
    both = rest_and_heads(network, lr, factor)
    if settings.optimizer == "adamw":
        return AdamW(both, lr=lr, weight_decay=decay)
    return SGD(both, lr=lr, weight_decay=decay, momentum=momentum_value(settings.momentum, decay))


def rest_and_heads(network: Headed, lr: float, factor: float) -> list[dict[str, Any]]:
    """Trained parameters of the rest and of the heads, with normalisations that are not frozen."""
    trained = {n: p for n, p in network.named_parameters() if p.requires_grad}
    head = [p for n, p in trained.items() if is_in(n, network.heads)]
    rest = [p for n, p in trained.items() if not is_in(n, network.heads)]
    groups = [{"params": rest, "lr": lr}, {"params": head, "lr": lr * factor}]
    return [group for group in groups if group["params"]]
