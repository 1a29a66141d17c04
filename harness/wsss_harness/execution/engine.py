"""Make stages: each once, several at a time, by an executor, and around those that fail."""

import contextlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial

from wsss_harness.contract.errors import StageFailure
from wsss_harness.contract.hookspecs import Executor, Pool, StageEvent
from wsss_harness.execution.executors.inline import Inline
from wsss_harness.execution.scheduler import DEFAULT, Course, Policy
from wsss_harness.execution.status_files import Board
from wsss_harness.store.stage import Stage
from wsss_harness.store.store import Store
from wsss_harness.suite.schedule import Schedule
from wsss_harness.suite.spec import Suite

__all__ = ["DEFAULT", "Engine", "Policy"]


@dataclass
class Engine:
    """Makes stages in a store. What failed once is not tried again by the same engine."""

    store: Store
    executor: Executor = field(default_factory=Inline)
    policy: Policy = DEFAULT
    failures: dict[str, StageFailure] = field(default_factory=dict)
    _open: tuple[Pool, Board] | None = field(default=None, init=False, repr=False)

    def make(self, suite: Suite, targets: Iterable[Stage]) -> Iterator[Stage]:
        """Make the targets and all that they need; yields each stage when it is there or failed.

        Raises:
            KeyboardInterrupt: the user stopped it; what is cheap was finished.
        """
        schedule = Schedule(targets, self.store.done)
        for stage in schedule.there.values():
            self.store.notify(StageEvent("reused", stage.title, key=stage.key))
            yield stage
        yield from self._fallen(schedule)
        if not schedule.left:
            return
        fail = partial(self._fail, schedule)
        with self.session() as (pool, board):
            yield from Course(self.store, self.policy, suite, schedule, fail).run(pool, board)

    @contextlib.contextmanager
    def session(self) -> Iterator[tuple[Pool, Board]]:
        """Keep the pool of the executor, with all that it has loaded, from one call to the next."""
        if self._open is not None:
            yield self._open
            return
        board = Board(self.store.root)
        with board, self.executor.start(self.store.root) as pool:
            self._open = pool, board
            try:
                yield pool, board
            finally:
                self._open = None

    def _fallen(self, schedule: Schedule) -> Iterator[Stage]:
        """The stages that cannot be made, since they or what they need failed before."""
        for stage in [stage for key, stage in schedule.left.items() if key in self.failures]:
            yield from self._fail(schedule, stage, self.failures[stage.key])

    def _fail(self, schedule: Schedule, stage: Stage, failure: StageFailure) -> list[Stage]:
        fallen = schedule.failed(stage)
        self.failures |= dict.fromkeys((one.key for one in fallen), failure)
        return fallen
