"""Make stages with an executor: several at once, each once, past those that fail."""

import contextlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from wsss_harness.contract.errors import ConfigError, OptionError, StageFailure
from wsss_harness.contract.findings import Finding
from wsss_harness.contract.hookspecs import Executor, Pool, StageEvent
from wsss_harness.execution.executors.inline import Inline
from wsss_harness.execution.job import Policy
from wsss_harness.execution.running_job import RunningJobs
from wsss_harness.execution.scheduler import RunMonitor, Scheduler
from wsss_harness.execution.status_files import RunStatus
from wsss_harness.plugins.options import names
from wsss_harness.plugins.registry import Plugins
from wsss_harness.store.stage import Stage
from wsss_harness.store.store import Store
from wsss_harness.suite.schedule import Schedule
from wsss_harness.suite.spec import Suite
from wsss_harness.system.limits import GB, NO_LIMITS, Limits


@dataclass
class Engine:
    """Makes stages in a store. The same engine does not try a failed stage again."""

    store: Store
    executor: Executor = field(default_factory=Inline)
    policy: Policy = field(default_factory=Policy)
    failures: dict[str, StageFailure] = field(default_factory=dict)  # by key, inputs' included
    warnings: list[Finding] = field(default_factory=list)  # about the data
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
        for stage in [stage for key, stage in schedule.remaining.items() if key in self.failures]:
            yield from self._drop(schedule, stage, self.failures[stage.key])
        if schedule.remaining:
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
                total=len(schedule.remaining),
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


@dataclass(frozen=True)
class RunOptions:
    """Options of commands that make stages; none is part of a stage's key."""

    executor: str = "local"
    executor_options: Mapping[str, Any] = field(default_factory=dict)
    limits: Limits = NO_LIMITS
    policy: Policy = field(default_factory=Policy)
    events: bool = False

    def engine(self, root: Path, plugins: Plugins) -> Engine:
        """An engine for the store at ``root``.

        Raises:
            ConfigError: no executor has this name or one of these options.
        """
        implied = {"threads": 1} if self.policy.deterministic else {}
        if self.policy.processes > 1:
            implied["gpus"] = self.policy.processes
        option_names = names(plugins.dataclass_of("executor", self.executor))
        options = {name: value for name, value in implied.items() if name in option_names}
        options |= self.executor_options
        try:
            executor = plugins.build("executor", self.executor, options)
        except OptionError as error:
            raise error.set_by("--executor-set ") from error
        return Engine(Store(root, plugins.tell, self.limits), executor, self.policy)


def limits_of(times: Sequence[str], memory: float | None) -> Limits:
    """Limits from texts like ``600`` or ``fit=3600`` (seconds) and ``memory`` (gigabytes).

    Raises:
        ConfigError: a text is not of this form.
    """
    seconds, by_kind = None, {}
    for text in times:
        kind, _, number = text.rpartition("=")
        try:
            value = float(number)
        except ValueError:
            value = 0.0
        if not value >= 1:
            raise ConfigError(
                f"--time-limit {text}: expected seconds, 1 or more, for all stages (600) or for "
                "one kind of stage (fit=3600)"
            )
        if kind:
            by_kind[kind] = value
        else:
            seconds = value
    return Limits(seconds, by_kind, round(memory * GB) if memory else None)
