"""A stage, or a part of one, to be made in any process that sees the store."""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from wsss_harness.contract.errors import StageFailure, WsssError
from wsss_harness.contract.hookspecs import StageEvent
from wsss_harness.execution.distributed import spread
from wsss_harness.execution.failures import explain
from wsss_harness.execution.rebuild import rebuild_stage
from wsss_harness.execution.run_stage import make_shard, make_stage
from wsss_harness.execution.status_files import Report
from wsss_harness.store.manifest import LOG
from wsss_harness.store.stage import Part, Stage
from wsss_harness.store.store import Store
from wsss_harness.system import workers
from wsss_harness.system.limits import CUT_OFF, NO_LIMITS, Limits
from wsss_harness.system.locks import Busy

Ended = StageFailure | Literal["made", "there", "busy"]


@dataclass(frozen=True)
class Here:
    """What a job uses that is run in the process that asks for it."""

    stage: Stage
    notify: Callable[[StageEvent], Any]


@dataclass(frozen=True)
class Job:
    """Make a stage whose inputs are there, or a part of it; ``suite`` is JSON.

    It tells how far it is in the file ``report``, and to whom ``here`` names.
    """

    suite: str
    key: str
    root: Path
    report: Path
    limits: Limits = NO_LIMITS
    part: Part | None = None
    deterministic: bool = False
    processes: int = 1
    here: Here | None = field(default=None, compare=False)

    def __reduce__(self) -> tuple[Any, ...]:
        sent = replace(self, here=None)
        return Job, tuple(vars(sent).values())

    def __call__(self) -> Ended:
        """Make it; what goes wrong is given back, not raised."""
        report = Report(self.report)
        if self.here is not None:
            here = self.here

            def tell(event: StageEvent) -> None:
                report(event)
                here.notify(event)

            return self._made(here.stage, Store(self.root, tell, self.limits))
        store = Store(self.root, report, self.limits)
        stage = rebuild_stage(self.suite, self.key, self.root)
        with descriptors_to(store.folder(stage) / LOG):
            return self._made(stage, store)

    def _made(self, stage: Stage, store: Store) -> Ended:
        if self.deterministic and stage.heavy:
            determine()
        if self.processes > 1 and stage.distributed:
            task = {"suite": self.suite, "key": self.key, "root": str(self.root)}
            task["report"] = str(self.report)
            stage = spread(stage, task, self.report.with_suffix(".task"), self.processes)
        return make(stage, store, self.part)


def make(stage: Stage, store: Store, part: Part | None) -> Ended:
    try:
        if part is None:
            return "made" if make_stage(stage, store, wait=False) else "there"
        make_shard(stage, part, store)
        return "made"
    except StageFailure as failure:
        if failure.kind in CUT_OFF:
            workers.retire()
        return failure
    except Busy:
        return "busy"
    except (WsssError, OSError) as error:  # between stages: a lock, a folder, a full disk
        return explain(stage, store.folder(stage), error)


def determine() -> None:
    """Have torch use what gives the same bytes each time, on one thread."""
    import torch

    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.use_deterministic_algorithms(True)
    torch.set_num_threads(1)


@contextmanager
def descriptors_to(log: Path) -> Iterator[None]:
    """Send what libraries write without Python, and the trace of a crash, to a log as well."""
    log.parent.mkdir(parents=True, exist_ok=True)
    sys.stdout.flush()
    sys.stderr.flush()
    kept = os.dup(1), os.dup(2)
    with log.open("ab") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    try:
        yield
    finally:
        for number, copy in enumerate(kept, 1):
            os.dup2(copy, number)
            os.close(copy)
