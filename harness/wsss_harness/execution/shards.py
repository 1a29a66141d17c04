"""Stages that are made in parts: which parts are left, and how much of a stage is done."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from wsss_harness.execution.running_job import Task
from wsss_harness.store.stage import Part, Stage


@dataclass
class Division:
    """Parts by the key of their stage. ``past`` counts the images of those that have ended."""

    left: dict[str, list[Part]] = field(default_factory=dict)
    past: dict[str, int] = field(default_factory=dict)

    def of(self, stage: Stage, count: int) -> list[Part]:
        """The parts that are left of a stage; it is divided into ``count`` when it comes first."""
        divided = stage.images and count > 1
        parts = [Part(index, count) for index in range(count)] if divided else []
        return self.left.setdefault(stage.key, parts)

    def give_back(self, stage: Stage, part: Part) -> None:
        self.left[stage.key].append(part)

    def ended(self, task: Task) -> None:
        task.look()
        self.past[task.stage.key] = self.past.get(task.stage.key, 0) + task.total

    def progress(self, task: Task, running: Iterable[Task]) -> tuple[int, int]:
        """How much of a stage is done, in all its parts together."""
        if task.job.part is None:
            return task.done, task.total
        now = sum(one.done for one in running if one.stage.key == task.stage.key)
        return self.past.get(task.stage.key, 0) + now, task.total * task.job.part.count
