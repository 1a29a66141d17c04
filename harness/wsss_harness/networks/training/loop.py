"""Training with mmengine's Runner that resumes after a kill and ends with the same bytes.

    draws = Draws(data.ids, make, run.seed)  # make(image_id, rng) -> {"image": ..., ...}
    train(network, loss, draws, run, iterations=300, batch=16, optimizer=optimizer)
    finish(network, run.folder / "weights.pth", run)

``loss(network, batch)`` returns named tensors; those with "loss" in their name are summed, the
others are logged. All randomness depends on the seed and a number: an item on the number of its
draw, dropout on the number of its iteration. A resumed training therefore replays nothing.
"""

import shutil
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from functools import lru_cache
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
import torch
from mmengine import dist
from mmengine.hooks import Hook
from mmengine.model import BaseDataPreprocessor, BaseModel
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.utils.data import Dataset, Subset

from wsss_harness.contract.errors import ConfigError, DataError
from wsss_harness.contract.hookspecs import Run
from wsss_harness.networks.checkpoints import (
    LossLog,
    ResumingRunner,
    SeedEachIteration,
    Watch,
    write_state,
)
from wsss_harness.networks.mmengine_globals import no_trace
from wsss_harness.networks.training.optimizers import Headed, ReleasedPolyLR, make_optimizer
from wsss_harness.networks.training.settings import Amp, Arithmetic, TrainingSettings
from wsss_harness.networks.training.single_values import running_statistics_of_single_values
from wsss_harness.networks.training.state import SECONDS, KeepState

PLAIN = Arithmetic()
Batch = Mapping[str, Any]
Loss = Callable[[nn.Module, Batch], dict[str, Tensor]]
WORK, STATE, LOSSES = "work", "state.pth", "losses.json"


class Draws(Dataset[Any]):
    """Training items by number, made by ``make(image_id, rng)``; each round draws every image once.

    Item ``number`` depends on the seed and the number alone.
    """

    def __init__(
        self, ids: Sequence[str], make: Callable[[str, np.random.Generator], Any], seed: int
    ) -> None:
        if not ids:
            raise DataError("there is no image to train on; check the list of the split")
        self.ids, self.make, self.seed = tuple(ids), make, seed
        self._order = lru_cache(maxsize=2)(self._drawn_order)

    def _drawn_order(self, turn: int) -> np.ndarray[Any, np.dtype[np.int64]]:
        return np.random.default_rng((self.seed, 0, turn)).permutation(len(self.ids))

    def __getitem__(self, number: int) -> Any:
        turn, place = divmod(number, len(self.ids))
        image_id = self.ids[self._order(turn)[place]]
        return self.make(image_id, np.random.default_rng((self.seed, 1, number)))


class Learner(BaseModel):  # type: ignore[misc]
    """A network with its loss, in the form that mmengine's Runner trains."""

    def __init__(self, network: nn.Module, loss: Loss, channels_last: bool = False) -> None:
        super().__init__(BaseDataPreprocessor(non_blocking=True))  # batches lie in pinned memory
        self.network, self.loss, self.channels_last = network, loss, channels_last

    def init_weights(self) -> None:
        """Do nothing: the network already has its initial weights."""

    def forward(self, mode: str = "loss", **batch: Any) -> dict[str, Tensor]:
        if self.channels_last:
            batch = {name: in_channels_last(value) for name, value in batch.items()}
        return self.loss(self.network, batch)


def in_channels_last(value: Any) -> Any:
    """Store images (B, C, H, W) in the channels-last format; return other values unchanged."""
    if isinstance(value, Tensor) and value.ndim == 4:
        return value.contiguous(memory_format=torch.channels_last)
    return value


def loading(workers: int, device: str) -> dict[str, Any]:
    """Options of a DataLoader: persistent workers that prefetch, pinned memory for a GPU."""
    prefetching = {"persistent_workers": True, "prefetch_factor": 4} if workers else {}
    return {"num_workers": workers, "pin_memory": device.startswith("cuda"), **prefetching}


def loader(draws: Draws, iterations: int, batch: int, workers: int, device: str) -> dict[str, Any]:
    """mmengine's loader of all draws in their order.

    Raises:
        ConfigError: the batch cannot be divided among the processes of torchrun.
    """
    processes = dist.get_world_size()
    if batch % processes:
        raise ConfigError(
            f"a batch of {batch} cannot be divided among {processes} processes; choose "
            "another --processes, or a batch that is a multiple of it"
        )
    return {
        "dataset": Subset(draws, range(iterations * batch)),
        "batch_size": batch // processes,  # the sampler deals items to processes in turn
        **loading(workers, device),
        "sampler": {"type": "InfiniteSampler", "shuffle": False},
        "collate_fn": {"type": "default_collate"},
    }


def precision(amp: Amp, device: str) -> dict[str, Any]:
    """mmengine's wrapper of an optimizer; mixed precision only on accelerators."""
    if amp == "off" or device.startswith("cpu"):
        return {"type": "OptimWrapper"}
    dtypes = {"fp16": "float16", "bf16": "bfloat16"}
    return {"type": "AmpOptimWrapper", "dtype": dtypes[amp]}


def scheduler(schedule: Mapping[str, Any], iterations: int) -> dict[str, Any]:
    """mmengine's options of a scheduler; see ``train``."""
    poly = {} if "type" in schedule else {"type": ReleasedPolyLR, "max_step": iterations}
    return {**poly, "by_epoch": False, **schedule}


def prepare(network: nn.Module, arithmetic: Arithmetic) -> None:
    """Apply the memory layout and compilation of ``arithmetic``; ``precision`` does the rest."""
    if arithmetic.channels_last:
        network.to(memory_format=torch.channels_last)
    if arithmetic.compiled:
        network.compile()


def train(
    network: nn.Module,
    loss: Loss,
    draws: Draws,
    run: Run,
    *,
    iterations: int,
    batch: int,
    optimizer: Optimizer,
    schedule: Mapping[str, Any] | None = None,
    checkpoint_every: int = 200,
    checkpoint_seconds: float = SECONDS,
    hooks: Sequence[Hook] = (),
    workers: int = 0,
    arithmetic: Arithmetic = PLAIN,
) -> None:
    """Train ``network`` in place, on the batch's share of this process if there are several.

    The state of training is kept in run.folder/work, see KeepState; run.folder/losses.json gets the
    mean losses.
    A normalisation with a single value of each channel uses its running statistics.
    ``schedule``: options of ReleasedPolyLR, or with a ``type`` those of another scheduler of
    mmengine by iteration.

    Raises:
        ConfigError: the batch cannot be divided among the processes.
        StageError: the loss has exploded, it or a weight is no longer finite, or the disk is full.
    """
    prepare(network, arithmetic)
    losses = LossLog(run.folder / LOSSES)
    single = batch == dist.get_world_size()  # hooks would break up a compiled network
    guard = running_statistics_of_single_values(network) if single else nullcontext()
    keep_state = KeepState(run.folder / WORK / STATE, losses, checkpoint_every, checkpoint_seconds)
    with no_trace(), guard, keep_state:
        runner = ResumingRunner(
            **common_options(run, losses),
            model=Learner(network, loss, arithmetic.channels_last),
            train_dataloader=loader(draws, iterations, batch, workers, run.device),
            train_cfg={"type": "IterBasedTrainLoop", "max_iters": iterations},
            optim_wrapper={**precision(arithmetic.amp, run.device), "optimizer": optimizer},
            param_scheduler=[scheduler(schedule or {}, iterations)],
            custom_hooks=[*resuming_hooks(run, losses), keep_state, *hooks],
        )
        runner.train()


def fit_network(
    network: Headed,
    loss: Loss,
    draws: Draws,
    run: Run,
    settings: TrainingSettings,
    *,
    optimizer: Optimizer | None = None,
    schedule: Mapping[str, Any] | None = None,
) -> None:
    """Train ``network`` in place with the options that plugins share; see ``train``.

    A method may bring an ``optimizer`` or a ``schedule`` of its own.
    """
    train(
        network,
        loss,
        draws,
        run,
        iterations=settings.iterations,
        batch=settings.batch,
        optimizer=optimizer or make_optimizer(network, settings),
        schedule=schedule or schedule_of(settings),
        checkpoint_every=settings.checkpoint_every,
        checkpoint_seconds=settings.checkpoint_seconds,
        workers=settings.workers,
        arithmetic=settings.arithmetic,
    )


def schedule_of(settings: TrainingSettings) -> dict[str, Any]:
    """The options of ReleasedPolyLR that plugins share."""
    max_step = settings.schedule or settings.iterations
    return {"max_step": max_step, "warmup": settings.warmup, "power": settings.power}


def common_options(run: Run, losses: LossLog) -> dict[str, Any]:
    """The options of a Runner that follow from the run alone."""
    work = run.folder / WORK
    return {
        "device": run.device,
        "state": work / STATE,
        "losses": losses,
        "launcher": "pytorch" if dist.get_world_size() > 1 else "none",
        "work_dir": str(work),
        "default_hooks": {"checkpoint": None},
        "log_processor": {"by_epoch": False},
        "randomness": {"seed": run.seed},
        "experiment_name": uuid4().hex,
    }


def resuming_hooks(run: Run, losses: LossLog) -> list[Hook]:
    """Hooks that make a training independent of when it was interrupted, and report progress."""
    return [SeedEachIteration(run.seed), Watch(run.progress), losses]


def finish(network: nn.Module, path: Path, run: Run) -> None:
    """Write the weights as a plain state dict on the CPU and delete the state of training."""
    if not dist.is_main_process():
        return
    state = {name: value.cpu().contiguous() for name, value in network.state_dict().items()}
    write_state(path, state)
    shutil.rmtree(run.folder / WORK, ignore_errors=True)
