"""Make stages with an executor: several at once, each once, past those that fail."""

import contextlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial

from wsss_harness.contract.errors import StageFailure
from wsss_harness.contract.hookspecs import Executor, Pool, StageEvent
from wsss_harness.execution.executors.inline import Inline
from wsss_harness.execution.job import Policy
from wsss_harness.execution.monitor import RunMonitor
from wsss_harness.execution.running_job import RunningJobs
from wsss_harness.execution.scheduler import Scheduler
from wsss_harness.execution.status_files import RunStatus
from wsss_harness.store.stage import Stage
from wsss_harness.store.store import Store
from wsss_harness.suite.schedule import Schedule
from wsss_harness.suite.spec import Suite


@dataclass
class Engine:
    """Makes stages in a store. The same engine does not try a failed stage again."""

    store: Store
    executor: Executor = field(default_factory=Inline)
    policy: Policy = field(default_factory=Policy)
    failures: dict[str, StageFailure] = field(default_factory=dict)  # by key, inputs' included
    _session: tuple[Pool, RunStatus] | None = field(default=None, init=False, repr=False)

    def make(self, suite: Suite, targets: Iterable[Stage]) -> Iterator[Stage]:
        """Make the targets and their inputs; yield each stage when it is there or has failed.

        Raises:
            KeyboardInterrupt: the user stopped it, and what was about to end has ended.
        """
        schedule = Schedule(targets, self.store.done)
        for stage in schedule.there.values():
            self.store.notify(StageEvent("reused", stage.title, key=stage.key))
            yield stage
        for stage in [stage for key, stage in schedule.left.items() if key in self.failures]:
            yield from self._drop(schedule, stage, self.failures[stage.key])
        if schedule.left:
            with self.session() as (pool, status):
                yield from self._scheduler(suite, schedule, pool, status).run()

    @contextlib.contextmanager
    def session(self) -> Iterator[tuple[Pool, RunStatus]]:
        """Keep the pool, with all that its processes have loaded, from one call to the next."""
        if self._session is not None:
            yield self._session
            return
        status = RunStatus(self.store.root)
        with status, self.executor.start(self.store.root) as pool:
            self._session = pool, status
            try:
                yield pool, status
            finally:
                self._session = None

    def _scheduler(
        self, suite: Suite, schedule: Schedule, pool: Pool, status: RunStatus
    ) -> Scheduler:
        return Scheduler(
            schedule=schedule,
            jobs=RunningJobs(pool, self.store, suite.model_dump_json(), self.policy, status),
            monitor=RunMonitor(
                title=suite.title,
                total=len(schedule.left),
                notify=self.store.notify,
                status=status,
                jobs_report=pool.here,
            ),
            drop=partial(self._drop, schedule),
        )

    def _drop(self, schedule: Schedule, stage: Stage, failure: StageFailure) -> list[Stage]:
        """Take a failed stage and all that need it out of the schedule; returns them."""
        dropped = schedule.failed(stage)
        self.failures |= dict.fromkeys((stage.key for stage in dropped), failure)
        return dropped
