"""Run the body of a stage in another environment, in a process of its own."""

from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from wsss_harness.contract.errors import StageError
from wsss_harness.contract.supervision import Ledger
from wsss_harness.plugins import elsewhere
from wsss_harness.plugins.environments import Environment, started
from wsss_harness.store.manifest import LEDGER
from wsss_harness.store.source_digest import code_of, libraries_of, refuse_changed
from wsss_harness.store.work import LOG, Shard, Work
from wsss_harness.system import interpreter_worker, parallel, write_guard
from wsss_harness.system.determinism import is_deterministic, make_deterministic
from wsss_harness.system.meter import Meter, environment

Result = TypeVar("Result")


@dataclass(frozen=True)
class Elsewhere:
    """Where the stages of a method are made that has an environment of its own."""

    environment: Environment

    def call(self, function: Callable[..., Result], *arguments: Any) -> Result:
        """What a function of the harness returns there."""
        return elsewhere.call(self.environment, function, *arguments)

    def run(
        self, body: Callable[[Work], None], work: Work, code: Mapping[str, str]
    ) -> Mapping[str, Any]:
        """Run a body with this code there; gives the environment and the cost of the manifest."""
        task = Task(
            body=body,
            code=code,
            folder=work.folder,
            inputs=work.inputs,
            shard=work.shard,
            cores=parallel.cores(),
            deterministic=is_deterministic(),
            watcher=write_guard.current(),
        )
        with (
            (work.folder / LOG).open("a+b") as log,
            closing(started(self.environment, log)) as process,
            elsewhere.blaming(self.environment),
        ):
            return process.call(run_task, task, progress=work.progress)


@dataclass(frozen=True)
class Task:
    """What the other process needs to do the work of a stage."""

    body: Callable[[Work], None]
    code: Mapping[str, str]
    folder: Path
    inputs: Mapping[str, Path]
    shard: Shard
    cores: int
    deterministic: bool
    watcher: Callable[[str], None] | None


def run_task(task: Task) -> Mapping[str, Any]:
    """Do the work, in the other process.

    Raises:
        StageError: the code there is not that of the stage's key.
    """
    if code_of(task.body) != task.code:
        raise StageError("its source code is not as it was when this run began; run again")
    parallel.grant(task.cores)
    if task.deterministic:
        make_deterministic()
    if task.watcher is not None:
        write_guard.confine(task.watcher)
    progress = interpreter_worker.progress
    work = Work(task.folder, task.inputs, Ledger(task.folder / LEDGER), progress, task.shard)
    with Meter() as meter:
        task.body(work)
    refuse_changed(task.code)
    used = meter.resource_use()
    return {
        "environment": {**environment(), **libraries_of(task.body)},
        "cost": {"gpu_seconds": used.gpu_seconds, "gpu_peak_memory": used.gpu_peak_memory},
    }
