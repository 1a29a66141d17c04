"""Count the stages of a run, and report them as events and in the status file."""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from wsss_harness.contract.hookspecs import StageEvent
from wsss_harness.execution.running_job import RunningJob
from wsss_harness.execution.status_files import RunStatus
from wsss_harness.store.stage import Stage


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

    def stopping(self) -> None:
        message = "Ctrl-C again does not wait for what ends soon"
        self.notify(StageEvent("stopping", self.title, message=message))

    def count(self, *, made: int = 0, failed: int = 0) -> None:
        """Count stages that were made, or that failed or lost an input."""
        self.ended += made + failed
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
