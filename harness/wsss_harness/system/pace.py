"""How fast a stage goes on once it is under way, without what it needs to start."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

Moment = tuple[int, float]  # steps done, and when


@dataclass
class Pace:
    """Passes on reports of progress and times them.

    A stage may count several things, one after another, each with a total of its own.
    """

    report: Callable[[int, int], None]
    phases: dict[int, tuple[Moment, Moment]] = field(default_factory=dict)  # the first, the last

    def __call__(self, done: int, total: int) -> None:
        if done > 0:
            now = (done, time.monotonic())
            first, _ = self.phases.get(total, (now, now))
            self.phases[total] = first, now
        self.report(done, total)

    def measured(self) -> list[dict[str, Any]]:
        """``steps`` and ``step_seconds`` of what was counted, the latter None for one step."""
        return [
            {"steps": total, "step_seconds": _between(first, last)}
            for total, (first, last) in self.phases.items()
        ]


def _between(first: Moment, last: Moment) -> float | None:
    steps = last[0] - first[0]
    return round((last[1] - first[1]) / steps, 6) if steps > 0 else None
