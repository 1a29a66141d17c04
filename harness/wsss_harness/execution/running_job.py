"""A stage, or a part of one, that runs at the moment, and how far it is."""

import time
from dataclasses import asdict, dataclass
from typing import Any

from wsss_harness.execution.job import Job
from wsss_harness.execution.status_files import read_report
from wsss_harness.store.stage import Stage


@dataclass
class Task:
    """``done`` of ``total`` images or iterations, as the job told last; ``begun`` by its clock.

    ``overdue`` and ``stopped`` say why it was ended before it was done.
    """

    stage: Stage
    job: Job
    begun: float | None = None
    done: int = 0
    total: int = 0
    overdue: bool = False
    stopped: bool = False

    def look(self) -> bool:
        """Read how far it is; whether that is news."""
        found = read_report(self.job.report)
        if found is None or (self.begun is not None and found == (self.done, self.total)):
            return False
        self.begun = self.begun or time.monotonic()
        self.done, self.total = found
        return True

    @property
    def seconds(self) -> float:
        """How long it has been running."""
        return 0.0 if self.begun is None else time.monotonic() - self.begun

    def left(self) -> float | None:
        """About how many seconds it still takes; None if it cannot be told."""
        if not self.done:
            return None if self.stage.heavy else 0.0
        return self.seconds * (self.total - self.done) / self.done

    def told(self) -> dict[str, Any]:
        """What `wsss status` shows of it."""
        return {
            "stage": self.stage.title,
            "part": asdict(self.job.part) if self.job.part else None,
            "done": self.done,
            "total": self.total,
            "seconds": round(self.seconds, 1),
        }
