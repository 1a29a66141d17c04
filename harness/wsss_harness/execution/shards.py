"""Shards of stages: which are still to be made, and how many images are done.

A shard is a job of its own, on any machine that the executor reaches, and survives the death of
other shards. ``system.parallel`` instead spreads the images of one job over the cores which that
job was given. Neither can replace the other: workers of a job are started by it and die with it,
and a job per core would load a network, or rebuild the suite, once for every core.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from wsss_harness.execution.running_job import RunningJob
from wsss_harness.store.stage import Stage
from wsss_harness.store.work import Shard


@dataclass
class ShardQueue:
    """Shards by the key of their stage; ``images_ended`` counts the images of ended shards."""

    waiting: dict[str, list[Shard]] = field(default_factory=dict)
    images_ended: dict[str, int] = field(default_factory=dict)

    def waiting_of(self, stage: Stage, count: int) -> list[Shard]:
        """The shards of a stage to start; the first call divides the stage into ``count``."""
        divided = stage.images and count > 1
        shards = [Shard(index, count) for index in range(count)] if divided else []
        return self.waiting.setdefault(stage.key, shards)

    def give_back(self, stage: Stage, shard: Shard) -> None:
        self.waiting[stage.key].append(shard)

    def ended(self, job: RunningJob) -> None:
        job.read_progress()
        self.images_ended[job.stage.key] = self.images_ended.get(job.stage.key, 0) + job.total

    def progress(self, job: RunningJob, running: Iterable[RunningJob]) -> tuple[int, int]:
        """(done, total) of a stage over all its shards; ``running`` are its running jobs."""
        if job.shard is None:
            return job.done, job.total
        done = sum(other.done for other in running)
        return self.images_ended.get(job.stage.key, 0) + done, job.total * job.shard.count
