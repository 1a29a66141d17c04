"""Exact resumption with mmengine's Runner: hooks, the state on disk, a clean exit."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine.dist import get_rank, get_world_size, is_main_process
from mmengine.hooks import Hook
from mmengine.model import MMDistributedDataParallel, convert_sync_batchnorm
from mmengine.runner import Runner
from torch import nn

from wsss_harness.contract.errors import DataError, StageError
from wsss_harness.system import files

EXPLODED = 1e6  # times the first loss
GLOBAL = re.compile(r"GLOBAL ([\w.]+)")  # an object that torch refuses to unpickle


class SeedEachIteration(Hook):  # type: ignore[misc]
    """Seed torch with (seed, iteration), so that dropout does not depend on earlier iterations."""

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def before_train_iter(self, runner: Runner, batch_idx: int, data_batch: Any = None) -> None:
        ranks = (rank,) if (rank := get_rank()) else ()  # each process draws its own dropouts
        entropy = np.random.SeedSequence((self.seed, 2, batch_idx, *ranks))
        torch.manual_seed(int(entropy.generate_state(1, np.uint64)[0] >> 1))


class Watch(Hook):  # type: ignore[misc]
    """Report progress, and stop where the loss is lost, before its weights are kept.

    It is lost if it is not finite, or above EXPLODED times the first one (taken as 1 to EXPLODED).
    """

    priority = "VERY_HIGH"

    def __init__(self, progress: Callable[[int, int], None]) -> None:
        self.progress = progress
        self.bound = 0.0

    def before_train(self, runner: Runner) -> None:
        self.progress(runner.iter, runner.max_iters)

    def after_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: Any = None, outputs: Any = None
    ) -> None:
        loss = outputs["loss"].item()
        self.bound = self.bound or EXPLODED * min(max(1.0, abs(loss)), EXPLODED)
        if not abs(loss) <= self.bound:  # nan compares as False
            raise StageError(
                f"the loss is {loss:.3g} at iteration {batch_idx + 1} of {runner.max_iters}; lower "
                "the learning rate, or look for broken values in images, saliency or initial "
                "weights"
            )
        self.progress(batch_idx + 1, runner.max_iters)


class LossLog(Hook):  # type: ignore[misc]
    """The mean of each loss over ``EVERY`` iterations at a time, written to ``path`` at the end.

    A resumed training restores ``means`` and ``sums``.
    """

    EVERY = 50  # as in the logs of halbielee/EPS

    def __init__(self, path: Path) -> None:
        self.path = path
        self.means: list[dict[str, float]] = []
        self.sums: dict[str, float] = {}

    def after_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: Any = None, outputs: Any = None
    ) -> None:
        for name, value in outputs.items():
            self.sums[name] = self.sums.get(name, 0.0) + value.item()
        count = batch_idx % self.EVERY + 1
        if count == self.EVERY or batch_idx + 1 == runner.max_iters:
            means = {name: total / count for name, total in self.sums.items()}
            self.means.append({"iteration": batch_idx + 1, **means})
            self.sums = {}

    def after_train(self, runner: Runner) -> None:
        if is_main_process():
            files.write_json(self.path, self.means)


class ResumingRunner(Runner):  # type: ignore[misc]
    """mmengine's Runner on a chosen device, which resumes from the state that KeepState wrote."""

    def __init__(self, device: str, state: Path, losses: LossLog, **options: Any) -> None:
        self.device, self.state, self.losses = device, state, losses
        super().__init__(**options)

    def wrap_model(self, model_wrapper_cfg: Any, model: nn.Module) -> nn.Module:
        """Move the model to its device; with several processes, synchronise it among them."""
        model = model.to(self.device)
        if get_world_size() == 1:
            return model
        if self.device != "cpu":
            model = convert_sync_batchnorm(model, "torch")
        wrapped: nn.Module = MMDistributedDataParallel(
            model, broadcast_buffers=False, find_unused_parameters=True
        )
        return wrapped

    def load_or_resume(self) -> None:
        if not self.state.is_file():
            return
        state = read_state(self.state)
        self.train_loop._iter = state["iteration"]
        trained(self.model).load_state_dict(state["weights"])
        self.optim_wrapper.load_state_dict(state["optimizer"])
        for schedule, state_dict in zip(self.param_schedulers, state["schedules"], strict=True):
            schedule.load_state_dict(state_dict)
        self.losses.means, self.losses.sums = state["losses"]["means"], state["losses"]["sums"]


def trained(model: nn.Module) -> nn.Module:
    """The model without the wrapper for several processes."""
    return model.module if isinstance(model, MMDistributedDataParallel) else model


def write_state(path: Path, state: Any) -> None:
    """torch.save to a stream, so that the bytes do not depend on the temporary file's name."""
    try:
        with files.atomic(path) as temporary, temporary.open("wb") as stream:
            torch.save(state, stream)
    except (OSError, RuntimeError) as error:
        raise StageError(
            f"{path} could not be written ({error}); free disk space and run again: training "
            "resumes from the last saved state"
        ) from error


def read_state(path: Path, remedy: str = "replace it, or delete it and run again") -> Any:
    """Read a file written by ``write_state`` or by a plain torch.save of tensors.

    Raises:
        DataError: the file is missing or is not a file of tensors, for which ``remedy`` applies.
    """
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise DataError(f"{path} is missing") from None
    except Exception as error:  # torch raises many classes for a damaged or foreign file
        raise DataError(
            f"{path} cannot be read as weights: {_unreadable(str(error))}; {remedy}"
        ) from None


def _unreadable(message: str) -> str:
    """The reason in torch's message, without its advice to let the file run code."""
    if "TorchScript" in message:
        return (
            "it is a TorchScript archive, which could run code; save the state dict of the network "
            "in it (torch.jit.load), and give that file"
        )
    if refused := GLOBAL.search(message):
        return f"it holds {refused[1]}, which could run code; only tensors are read"
    return "it is damaged, or not a file of tensors"
