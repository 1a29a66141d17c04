"""Jobs that are running: whether there is room for more, how far they are, and how to stop them."""

import time
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import asdict, dataclass, field
from typing import Any

from wsss_harness.contract.errors import StageFailure, WorkerDied
from wsss_harness.contract.hookspecs import Pool
from wsss_harness.execution.job import Job, JobResult, Policy
from wsss_harness.execution.run_stage import explain
from wsss_harness.execution.status_files import RunStatus, read_progress
from wsss_harness.store.layout import short
from wsss_harness.store.stage import Stage
from wsss_harness.store.store import Store
from wsss_harness.store.work import Shard
from wsss_harness.system.limits import CUT_OFF, TimeLimitReached, overdue_message

TICK = 0.2  # seconds between two looks at the running jobs
GRACE = 15.0  # seconds after its time limit until a job that does not stop by itself is killed
CHEAP = 20.0  # seconds that a job may still take after the first Ctrl-C
FULL = 1.001  # all cores; above 1, since shares are rounded


@dataclass
class RunningJob:
    """A job that a pool has. ``done`` of ``total`` images or iterations, as it reported last.

    ``begun`` is when it first reported, by the monotonic clock. ``overdue`` and ``stopped`` say why
    it was killed.
    """

    stage: Stage
    job: Job
    begun: float | None = None
    done: int = 0
    total: int = 0
    overdue: bool = False
    stopped: bool = False

    @property
    def shard(self) -> Shard | None:
        return self.job.shard

    @property
    def time_limit(self) -> float | None:
        return self.job.limits.seconds_of(self.stage.kind)

    @property
    def seconds(self) -> float:
        return 0.0 if self.begun is None else time.monotonic() - self.begun

    def read_progress(self) -> bool:
        """Read how far it is; True if that has changed."""
        progress = read_progress(self.job.progress_file)
        if progress is None or (self.begun is not None and progress == (self.done, self.total)):
            return False
        self.begun = self.begun or time.monotonic()
        self.done, self.total = progress
        return True

    def seconds_left(self) -> float | None:
        """An estimate; None if there is nothing to estimate it from."""
        if not self.done:
            return None if self.stage.heavy else 0.0
        return self.seconds * (self.total - self.done) / self.done

    def as_json(self) -> dict[str, Any]:
        return {
            "stage": self.stage.title,
            "part": asdict(self.shard) if self.shard else None,
            "done": self.done,
            "total": self.total,
            "seconds": round(self.seconds, 1),
        }


@dataclass
class RunningJobs:
    pool: Pool
    store: Store
    suite_json: str
    policy: Policy
    status: RunStatus
    _jobs: dict[Future[JobResult], RunningJob] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self._jobs)

    def __iter__(self) -> Iterator[RunningJob]:
        return iter(self._jobs.values())

    def of(self, stage: Stage) -> list[RunningJob]:
        return [job for job in self if job.stage.key == stage.key]

    def has_room(self, heavy: bool) -> bool:
        running = [job.stage.heavy for job in self]
        load = sum(map(self.pool.share, running)) + self.pool.share(heavy)
        return not running or (running.count(heavy) < self.pool.width(heavy) and load <= FULL)

    def start(self, stage: Stage, shard: Shard | None = None) -> None:
        name = short(stage.key) + (f"-{shard.index + 1}-of-{shard.count}" if shard else "")
        job = Job(
            suite_json=self.suite_json,
            key=stage.key,
            root=self.store.root.resolve(),
            progress_file=self.status.folder / f"{name}.json",
            limits=self.store.limits,
            policy=self.policy,
            shard=shard,
            in_process=(stage, self.store.notify),
        )
        job.progress_file.unlink(missing_ok=True)
        self._jobs[self.pool.submit(job, stage.heavy)] = RunningJob(stage, job)

    def ended(self) -> Iterator[tuple[RunningJob, JobResult]]:
        """Wait a moment for jobs to end; a job no longer counts as running when it is yielded."""
        if not self:
            time.sleep(TICK)  # another run makes all that is left
        for future in wait(self._jobs, timeout=TICK, return_when=FIRST_COMPLETED).done:
            job = self._jobs.pop(future)
            result = self._result(job, future)
            if isinstance(result, StageFailure) and result.kind in CUT_OFF:
                # Ray cannot name the process of a task that has ended: the job itself has marked
                # that process as retired (system.workers).
                self.pool.kill(future)
            yield job, result

    def _result(self, job: RunningJob, future: Future[JobResult]) -> JobResult:
        reason: Exception
        try:
            return future.result()
        except WorkerDied as error:
            limit = job.time_limit
            reason = TimeLimitReached(overdue_message(limit)) if job.overdue and limit else error
        except Exception as error:  # of the executor, or while the suite was rebuilt
            reason = error
        return explain(job.stage, self.store.folder(job.stage), reason)

    def kill_overdue(self) -> None:
        """Kill jobs that have not stopped by themselves at their time limit."""
        for future, job in self._jobs.items():
            if job.time_limit and job.seconds > job.time_limit + GRACE:
                job.overdue = True
                self.pool.kill(future)

    def kill_slow(self) -> None:
        """Kill jobs that are not about to end."""
        for future, job in list(self._jobs.items()):
            seconds = job.seconds_left()
            if seconds is None or seconds > CHEAP:
                job.stopped = True
                self.pool.kill(future)

    def kill_all(self) -> None:
        for future in self._jobs:
            self.pool.kill(future)
