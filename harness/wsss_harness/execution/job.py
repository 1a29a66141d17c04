"""Make one stage, or one shard of it, in any process that sees the store."""

import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

from wsss_harness.contract.errors import StageError, StageFailure, WsssError
from wsss_harness.contract.hookspecs import StageEvent
from wsss_harness.execution.distributed import distribute
from wsss_harness.execution.run_stage import StageRun, explain, make_stage
from wsss_harness.execution.status_files import ProgressFile
from wsss_harness.plugins.registry import installed
from wsss_harness.store.stage import Stage, upstream
from wsss_harness.store.store import Store
from wsss_harness.store.work import LOG, Shard
from wsss_harness.suite.graph import Graph
from wsss_harness.suite.spec import Suite
from wsss_harness.suite.suite_rows import known_rows
from wsss_harness.system import workers
from wsss_harness.system.determinism import make_deterministic
from wsss_harness.system.limits import CUT_OFF, Limits
from wsss_harness.system.locks import Busy

JobResult = StageFailure | Literal["made", "there", "busy"]


@dataclass(frozen=True)
class Policy:
    """How a run makes its stages.

    ``retries``: further tries after failures other than config, data, plugin or supervision errors.
    ``shards``: into how many shards stages of images are divided; None takes as many as the
    executor runs at once.
    ``deterministic``: use one thread and deterministic algorithms of torch.
    ``processes``: how many processes train one network, where its plugin supports that.
    """

    retries: int = 0
    shards: int | None = None
    deterministic: bool = False
    processes: int = 1


@dataclass(frozen=True)
class Job:
    """Make a stage whose inputs are there, or one shard of it.

    Progress goes to ``progress_file``. A job can be pickled; ``in_process`` stays behind: the stage
    and the observer that it uses where it runs in the process of the scheduler.
    """

    suite_json: str
    key: str
    root: Path
    progress_file: Path
    limits: Limits
    policy: Policy
    shard: Shard | None
    in_process: tuple[Stage, Callable[[StageEvent], Any]] | None = field(
        default=None, compare=False
    )

    def __reduce__(self) -> tuple[Any, ...]:
        return Job, tuple(vars(replace(self, in_process=None)).values())

    def __call__(self) -> JobResult:
        """Make it; errors are returned, not raised."""
        write_progress = ProgressFile(self.progress_file)
        if self.in_process is not None:
            stage, notify = self.in_process

            def report(event: StageEvent) -> None:
                write_progress(event)
                notify(event)

            return self._make(stage, Store(self.root, report, self.limits))
        store = Store(self.root, write_progress, self.limits)
        stage = rebuild_stage(self.suite_json, self.key, self.root)
        with descriptors_to(store.folder(stage) / LOG):
            return self._make(stage, store)

    def _make(self, stage: Stage, store: Store) -> JobResult:
        if self.policy.deterministic and stage.heavy:
            make_deterministic()
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


# The function of a stage closes over the suite and cannot be sent to another process, so the suite
# and the key of the stage are sent; the other process rebuilds the stages and picks that one.


def rebuild_stage(suite_json: str, key: str, root: Path) -> Stage:
    """The stage with this key.

    Raises:
        StageError: the suite has none, since code or data are not those of the run.
    """
    has_data = Store(root).done(_data_stage(suite_json))
    stages = _stages_by_key(suite_json, root, has_data)
    if key not in stages:
        raise StageError(
            "the source code of the harness or of a plugin, or a file of the data, is not as it "
            "was when this run began; run again, and on a cluster install the same version "
            "everywhere"
        )
    return stages[key]


@lru_cache(maxsize=1)
def _data_stage(suite_json: str) -> Stage:
    suite = Suite.model_validate_json(suite_json)
    return Graph(suite, installed(), suite.seeds[0]).data


@lru_cache(maxsize=1)
def _stages_by_key(suite_json: str, root: Path, has_data: bool) -> Mapping[str, Stage]:
    """All stages of a suite; ``has_data`` belongs to the cache key: data brings control rows."""
    suite = Suite.model_validate_json(suite_json)
    rows, saliency_stages = known_rows(suite, installed(), Store(root))
    targets = [target for row in rows for target in row.targets]
    return {stage.key: stage for stage in upstream(*targets, *saliency_stages)}
