"""The learning rate of ToCo and SeCo: rulixiang/ToCo: utils/optimizer.py."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mmengine.optim.scheduler.lr_scheduler import LRSchedulerMixin
from mmengine.optim.scheduler.param_scheduler import _ParamScheduler
from mmengine.registry import PARAM_SCHEDULERS

from wsss_harness.networks.training.optimizers import poly_lr

if TYPE_CHECKING:
    from wsss_harness import TrainingSettings


def rate_at(
    step: int, steps: int, base: float = 6e-5, warmup: int = 1500, start: float = 1e-6
) -> float:
    """The rate of ``step``, counted from 0, of ``steps``.

    It rises in a line from ``start`` times the ``base``, then falls as a polynomial of all steps:
    at the end of the warm-up it drops to what that has there.
    """
    if step < warmup:
        return base * (1 - (1 - step / warmup) * (1 - start))
    return poly_lr(base, step, steps)


@PARAM_SCHEDULERS.register_module()
class TocoLR(LRSchedulerMixin, _ParamScheduler):  # type: ignore[misc]
    """``rate_at`` as a scheduler of mmengine, for all groups of an optimizer."""

    def __init__(self, optimizer: Any, steps: int, warmup: int, **options: Any) -> None:
        self.steps, self.warmup = steps, warmup
        super().__init__(optimizer, **options)

    def _get_value(self) -> list[float]:
        return [rate_at(self.last_step, self.steps, b, self.warmup) for b in self.base_values]


def schedule_of(settings: TrainingSettings) -> dict[str, Any]:
    """The options of TocoLR for mmengine."""
    steps = settings.schedule or settings.iterations
    return {"type": TocoLR, "steps": steps, "warmup": settings.warmup}
