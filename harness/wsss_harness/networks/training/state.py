"""The state of a training on disk: written beside the training, so that it costs little time."""

import time
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from pathlib import Path
from typing import Any

from mmengine.dist import is_main_process
from mmengine.hooks import Hook
from mmengine.runner import Runner
from torch import Tensor

from wsss_harness.contract.errors import StageError
from wsss_harness.networks.checkpoints import LossLog, trained, write_state

SHARE = 0.03  # of the time, at most, may go into writing states
FREE = 1.0  # seconds of a training's writing that are left out of account: small states
SECONDS = 10.0  # the shortest time between two states, unless a training has its own


class StateWriter:
    """Writes states in a thread, one at a time; a reader sees the last complete one."""

    def __init__(self, path: Path, seconds: float) -> None:
        self.path, self.seconds = path, seconds
        self._pool = ThreadPoolExecutor(1, "state")
        self._last: Future[None] | None = None
        self._took, self._spent, self._ended = 0.0, 0.0, time.monotonic()

    def is_due(self, wanted: bool) -> bool:
        """Whether a state should be written now; raises what went wrong with the last one.

        ``wanted``: now if it costs little, even if ``seconds`` have not passed.
        """
        if not self._is_written(FREE - self._spent if wanted else 0):
            return False
        passed = time.monotonic() - self._ended
        if wanted and self._spent <= FREE:
            return True
        return passed >= max(0 if wanted else self.seconds, self._took / SHARE)

    def _is_written(self, patience: float) -> bool:
        """Whether the last state is written, after waiting for it if need be."""
        if self._last is None:
            return True
        if not self._last.done() and patience > 0:
            started = time.monotonic()
            wait([self._last], patience)
            self._spent += time.monotonic() - started
        return self._last.done() and self._last.result() is None

    def write(self, state: dict[str, Any]) -> None:
        """Start to write a copy of ``state``, which the training may change from now on."""
        started = time.monotonic()
        self._last = self._pool.submit(self._write, copied(state), started)

    def _write(self, state: dict[str, Any], started: float) -> None:
        refuse_not_finite(state["weights"], state["iteration"])
        write_state(self.path, state)
        self._ended = time.monotonic()
        self._took = self._ended - started
        self._spent += self._took

    def close(self) -> Exception | None:
        """Finish what is being written, and give what went wrong with it."""
        self._pool.shutdown()
        failure = self._last.exception() if self._last else None
        return failure if isinstance(failure, Exception) else None


class KeepState(Hook):  # type: ignore[misc]
    """Save all that a resumed training needs, in a file without pickle.

    A state is due after ``every`` iterations, and ``seconds`` after the last one was written, but
    not before writing the last one was at most SHARE of the time since it began. The result of a
    training does not depend on when it was interrupted.
    """

    priority = "VERY_LOW"  # after the schedules have advanced

    def __init__(self, path: Path, losses: LossLog, every: int, seconds: float = SECONDS) -> None:
        self.losses, self.every = losses, every
        self.writer = StateWriter(path, seconds)

    def __enter__(self) -> "KeepState":
        return self

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        failure = self.writer.close()
        if failure is not None and error is None:
            raise failure

    def after_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: Any = None, outputs: Any = None
    ) -> None:
        if not is_main_process():
            return
        iteration, last = batch_idx + 1, batch_idx + 1 == runner.max_iters
        if last:
            refuse_not_finite(trained(runner.model).state_dict(), iteration)
        if self.writer.is_due(wanted=last or iteration % self.every == 0):
            self.writer.write(self._state(runner, iteration))

    def _state(self, runner: Runner, iteration: int) -> dict[str, Any]:
        return {
            "iteration": iteration,
            "weights": trained(runner.model).state_dict(),
            "optimizer": runner.optim_wrapper.state_dict(),
            "schedules": [schedule.state_dict() for schedule in runner.param_schedulers],
            "losses": {"means": self.losses.means, "sums": self.losses.sums},
        }


def copied(value: Any) -> Any:
    """A copy of nested values on the CPU."""
    if isinstance(value, Tensor):
        return value.detach().to("cpu", copy=True)
    if isinstance(value, Mapping):
        return {name: copied(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(copied(part) for part in value)
    return value


def refuse_not_finite(weights: Mapping[str, Tensor], iteration: int) -> None:
    """Raise StageError if a weight is not finite, before it is kept."""
    if bad := [name for name, value in weights.items() if not value.isfinite().all()]:
        raise StageError(
            f"{bad[0]} is no longer finite at iteration {iteration}; lower the learning rate, or "
            "look for broken values in images, saliency or initial weights"
        )
