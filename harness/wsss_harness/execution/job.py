"""Make one stage, or one shard of it, in any process that sees the store."""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from wsss_harness.contract.errors import StageFailure, WsssError
from wsss_harness.contract.hookspecs import StageEvent
from wsss_harness.execution.distributed import distribute
from wsss_harness.execution.failures import explain
from wsss_harness.execution.policy import Policy
from wsss_harness.execution.rebuild import rebuild_stage
from wsss_harness.execution.run_stage import StageRun, make_stage
from wsss_harness.execution.status_files import ProgressFile, RunStatus
from wsss_harness.store.layout import short
from wsss_harness.store.stage import Stage
from wsss_harness.store.store import Store
from wsss_harness.store.work import LOG, Shard
from wsss_harness.system import workers
from wsss_harness.system.limits import CUT_OFF, Limits
from wsss_harness.system.locks import Busy

JobResult = StageFailure | Literal["made", "there", "busy"]


@dataclass(frozen=True)
class InProcess:
    """What a job uses instead of rebuilding it where it runs in the process of the scheduler."""

    stage: Stage
    notify: Callable[[StageEvent], Any]


@dataclass(frozen=True)
class Job:
    """Make a stage whose inputs are there, or one shard of it.

    A job can be pickled; ``in_process`` stays behind. Progress goes to ``progress_file``.
    """

    suite_json: str
    key: str
    root: Path
    progress_file: Path
    limits: Limits
    policy: Policy
    shard: Shard | None
    in_process: InProcess | None = field(default=None, compare=False)

    def __reduce__(self) -> tuple[Any, ...]:
        return Job, tuple(vars(replace(self, in_process=None)).values())

    def __call__(self) -> JobResult:
        """Make it; errors are returned, not raised."""
        write_progress = ProgressFile(self.progress_file)
        if self.in_process is not None:
            notify = self.in_process.notify

            def report(event: StageEvent) -> None:
                write_progress(event)
                notify(event)

            return self._make(self.in_process.stage, Store(self.root, report, self.limits))
        store = Store(self.root, write_progress, self.limits)
        stage = rebuild_stage(self.suite_json, self.key, self.root)
        with descriptors_to(store.folder(stage) / LOG):
            return self._make(stage, store)

    def _make(self, stage: Stage, store: Store) -> JobResult:
        if self.policy.deterministic and stage.heavy:
            make_torch_deterministic()
        if self.policy.processes > 1 and stage.distributed:
            task = {
                "suite": self.suite_json,
                "key": self.key,
                "root": str(self.root),
                "progress_file": str(self.progress_file),
            }
            task_file = self.progress_file.with_suffix(".task")
            stage = distribute(stage, task, task_file, self.policy.processes)
        return make(stage, store, self.shard)


@dataclass(frozen=True)
class JobFactory:
    """Prepares the jobs of one run."""

    suite_json: str
    store: Store
    policy: Policy
    status: RunStatus

    def job(self, stage: Stage, shard: Shard | None = None) -> Job:
        name = short(stage.key) + (f"-{shard.index + 1}-of-{shard.count}" if shard else "")
        return Job(
            suite_json=self.suite_json,
            key=stage.key,
            root=self.store.root.resolve(),
            progress_file=self.status.progress_file(name),
            limits=self.store.limits,
            shard=shard,
            policy=self.policy,
            in_process=InProcess(stage, self.store.notify),
        )


def make(stage: Stage, store: Store, shard: Shard | None) -> JobResult:
    try:
        if shard is None:
            return "made" if make_stage(stage, store, wait=False) else "there"
        StageRun(stage, store).run_shard(shard)
        return "made"
    except StageFailure as failure:
        if failure.kind in CUT_OFF:
            workers.retire()
        return failure
    except Busy:
        return "busy"
    except (WsssError, OSError) as error:  # between stages: a lock, a folder, a full disk
        return explain(stage, store.folder(stage), error)


def make_torch_deterministic() -> None:
    """Make torch use one thread, and only algorithms that give the same bytes each time."""
    import torch

    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.use_deterministic_algorithms(True)
    torch.set_num_threads(1)


@contextmanager
def descriptors_to(log: Path) -> Iterator[None]:
    """Send to a log what libraries write past Python, and the trace of a crash."""
    log.parent.mkdir(parents=True, exist_ok=True)
    sys.stdout.flush()
    sys.stderr.flush()
    copies = os.dup(1), os.dup(2)
    with log.open("ab") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    try:
        yield
    finally:
        for number, copy in enumerate(copies, 1):
            os.dup2(copy, number)
            os.close(copy)
