"""Decide what a run starts when, and what follows from how a job ended."""

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from wsss_harness.contract.errors import StageFailure
from wsss_harness.contract.hookspecs import StageEvent
from wsss_harness.execution.job import JobResult
from wsss_harness.execution.running_job import RunningJob, RunningJobs
from wsss_harness.execution.status_files import RunStatus
from wsss_harness.store.stage import Stage
from wsss_harness.store.work import Shard
from wsss_harness.suite.schedule import Schedule

PATIENCE = 2.0  # seconds until the next look at a stage that another run makes
# Failures that would repeat: these stages are not tried again.
FINAL = ("ConfigError", "DataError", "PluginError", "SupervisionError")


@dataclass
class ShardQueue:
    """Shards by the key of their stage; ``images_ended`` counts the images of ended shards.

    A shard is a job of its own, on any machine that the executor reaches, and survives the death of
    other shards. ``system.parallel`` instead spreads the images of one job over the cores which
    that job was given. Neither can replace the other: workers of a job are started by it and die
    with it, and a job per core would load a network, or rebuild the suite, once for every core.
    """

    waiting: dict[str, list[Shard]] = field(default_factory=dict)
    images_ended: dict[str, int] = field(default_factory=dict)

    def waiting_of(self, stage: Stage, count: int) -> list[Shard]:
        """The shards of a stage to start; the first call divides the stage into ``count``."""
        divided = stage.images and count > 1
        shards = [Shard(index, count) for index in range(count)] if divided else []
        return self.waiting.setdefault(stage.key, shards)

    def ended(self, job: RunningJob) -> None:
        job.read_progress()
        self.images_ended[job.stage.key] = self.images_ended.get(job.stage.key, 0) + job.total

    def progress(self, job: RunningJob, running: Iterable[RunningJob]) -> tuple[int, int]:
        """(done, total) of a stage over all its shards; ``running`` are its running jobs."""
        if job.shard is None:
            return job.done, job.total
        done = sum(other.done for other in running)
        return self.images_ended.get(job.stage.key, 0) + done, job.total * job.shard.count


@dataclass
class RunMonitor:
    """Reports what happens in a run of ``total`` stages.

    ``jobs_report``: jobs run in this process and send their own events.
    """

    title: str
    total: int
    notify: Callable[[StageEvent], Any]
    status: RunStatus
    jobs_report: bool
    ended: int = 0
    failed: int = 0
    _started: set[str] = field(default_factory=set)
    _since: float = field(default_factory=time.monotonic)

    def stage_event(self, kind: str, stage: Stage, **details: Any) -> None:
        """Send an event about a stage; ``details`` are further fields of StageEvent."""
        self.notify(StageEvent(kind, stage.title, key=stage.key, **details))

    def job_event(self, kind: str, stage: Stage, **details: Any) -> None:
        """Send an event that a job in this process has sent already."""
        if not self.jobs_report:
            self.stage_event(kind, stage, **details)

    def started(self, stage: Stage) -> None:
        if stage.key not in self._started:
            self._started.add(stage.key)
            self.job_event("started", stage)

    def count(self, *, finished: int = 0, failed: int = 0) -> None:
        """Count stages that were finished, or that failed or lost an input."""
        self.ended += finished + failed
        self.failed += failed
        self.notify(StageEvent("suite", self.title, self.ended, self.total))

    def write_status(self, jobs: Iterable[RunningJob]) -> None:
        self.status.write(
            {
                "suite": self.title,
                "stages": self.total,
                "ended": self.ended,
                "failed": self.failed,
                "seconds": round(time.monotonic() - self._since, 1),
                "running": [job.as_json() for job in jobs],
            }
        )


@dataclass
class Scheduler:
    """Runs the stages of a schedule, each as soon as its inputs are there and the pool has room.

    The shards of a stage run before the whole stage, which then finds their images. ``drop`` takes
    a failed stage and all that need it out of the schedule, and returns them.
    """

    schedule: Schedule
    jobs: RunningJobs
    monitor: RunMonitor
    drop: Callable[[Stage, StageFailure], list[Stage]]
    _shards: ShardQueue = field(default_factory=ShardQueue)
    _failures: dict[str, int] = field(default_factory=dict)  # of each stage so far
    _look_again: dict[str, float] = field(default_factory=dict)  # when another run makes a stage
    _stopping: bool = False

    def run(self) -> Iterator[Stage]:
        """Yield each stage when it is there or has failed.

        Raises:
            KeyboardInterrupt: after the first one, when what ends soon has ended; at the second.
        """
        try:
            while self.schedule.remaining:
                try:
                    yield from self._turn()
                except KeyboardInterrupt:
                    self._stop()
            if self._stopping:  # this schedule is empty, but the caller may have another one
                raise KeyboardInterrupt
        except BaseException:
            self.jobs.kill_all()
            raise

    def _turn(self) -> Iterator[Stage]:
        if self._stopping and not self.jobs:
            raise KeyboardInterrupt
        self.monitor.write_status(self.jobs)
        if not self._stopping:
            yield from self._start_ready()
        for job, result in self.jobs.ended():
            yield from self._end(job, result)
        for job in self.jobs:
            if job.read_progress():
                self._report_progress(job)
        self.jobs.kill_overdue()

    def _stop(self) -> None:
        """After the first Ctrl-C, let end what ends soon, and start nothing."""
        if self._stopping or not self.jobs:
            raise KeyboardInterrupt
        self._stopping = True
        self.jobs.kill_slow()
        message = "Ctrl-C again does not wait for what ends soon"
        self.monitor.notify(StageEvent("stopping", self.monitor.title, message=message))

    def _report_progress(self, job: RunningJob) -> None:
        self.monitor.started(job.stage)
        if job.total:
            done, total = self._shards.progress(job, self.jobs.of(job.stage))
            self.monitor.job_event("progress", job.stage, done=done, total=total)

    # Starting jobs

    def _start_ready(self) -> Iterator[Stage]:
        for stage in self.schedule.take(self._can_start):
            if self.jobs.store.done(stage):  # another run has made it
                self.monitor.stage_event("reused", stage)
                yield from self._complete(stage)
            else:
                self._start(stage)

    def _can_start(self, stage: Stage) -> bool:
        due = time.monotonic() >= self._look_again.get(stage.key, 0.0)
        return due and self.jobs.has_room(stage.heavy)

    def _start(self, stage: Stage) -> None:
        """Start as many shards as there is room for, or the whole stage once they have ended."""
        count = self.jobs.policy.shards or self.jobs.pool.width(stage.heavy)
        waiting = self._shards.waiting_of(stage, count)
        while waiting and self.jobs.has_room(stage.heavy):
            self.jobs.start(stage, waiting.pop(0))
        if waiting:
            self.schedule.give_back(stage)
        elif not self.jobs.of(stage):
            self.jobs.start(stage)

    # Jobs that have ended

    def _end(self, job: RunningJob, result: JobResult) -> Iterator[Stage]:
        stage = job.stage
        if job.stopped or stage.key not in self.schedule.remaining:  # another shard of it failed
            return
        if result == "busy":
            self._postpone(stage, job.shard)
        elif result == "there":
            self.monitor.stage_event("reused", stage)
            yield from self._complete(stage)
        else:
            self.monitor.started(stage)  # it may have ended before its progress was read
            if isinstance(result, StageFailure):
                yield from self._fail(stage, job.shard, result)
            elif job.shard is not None:
                self._shards.ended(job)
                self._offer(stage)
            elif self.jobs.store.done(stage):
                self.monitor.job_event("finished", stage)
                yield from self._complete(stage)
            else:
                self._offer(stage)  # one of its files has been removed meanwhile

    def _offer(self, stage: Stage, shard: Shard | None = None) -> None:
        """Queue a shard again, and the stage as soon as none of its jobs is running."""
        if shard is not None:
            self._shards.waiting[stage.key].append(shard)
        if not self.jobs.of(stage):
            self.schedule.give_back(stage)

    def _postpone(self, stage: Stage, shard: Shard | None) -> None:
        if stage.key not in self._look_again:
            self.monitor.stage_event("waiting", stage, message="another run makes it")
        self._look_again[stage.key] = time.monotonic() + PATIENCE
        self._offer(stage, shard)

    def _complete(self, stage: Stage) -> Iterator[Stage]:
        self.schedule.finished(stage)
        self.monitor.count(finished=1)
        yield stage

    def _fail(self, stage: Stage, shard: Shard | None, failure: StageFailure) -> Iterator[Stage]:
        self._failures[stage.key] = self._failures.get(stage.key, 0) + 1
        if failure.kind not in FINAL and self._failures[stage.key] <= self.jobs.policy.retries:
            self.monitor.stage_event("retried", stage, message=str(failure))
            self._offer(stage, shard)
            return
        self.monitor.job_event("failed", stage, message=str(failure))
        dropped = self.drop(stage, failure)
        self.monitor.count(failed=len(dropped))
        yield from dropped
