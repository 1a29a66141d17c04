"""One pass over the stages of a schedule: what is started when, and what becomes of it."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass

from wsss_harness.contract.errors import StageFailure, WorkerDied
from wsss_harness.contract.hookspecs import Pool, StageEvent
from wsss_harness.execution.failures import explain
from wsss_harness.execution.job import Ended, Here, Job
from wsss_harness.execution.running_job import Task
from wsss_harness.execution.shards import Division
from wsss_harness.execution.status_files import Board
from wsss_harness.store.layout import short
from wsss_harness.store.stage import Part, Stage
from wsss_harness.store.store import Store
from wsss_harness.suite.schedule import Schedule
from wsss_harness.suite.spec import Suite
from wsss_harness.system.limits import CUT_OFF, TimeLimitReached, overdue_message

TICK = 0.2  # seconds between two looks at what runs
GRACE = 15.0  # seconds beyond its limit after which a process that does not stop is ended
CHEAP = 20.0  # seconds that a stage may still take after the first Ctrl-C
PATIENCE = 2.0  # seconds until a stage that another run makes is looked at again
# What is wrong will be wrong again: these are not tried a second time.
FINAL = ("ConfigError", "DataError", "PluginError", "SupervisionError")

Fail = Callable[[Stage, StageFailure], list[Stage]]


@dataclass(frozen=True)
class Policy:
    """How stages are made, which decides nothing of what they are.

    ``retries``: how often a stage is tried again that failed for another reason than a mistake.
    ``shards``: into how many parts stages of images are divided; by default as many as run at once.
    ``processes`` train a network together, where its plugin says that it can be.
    """

    retries: int = 0
    shards: int | None = None
    deterministic: bool = False
    processes: int = 1


DEFAULT = Policy()


class Course:
    """Works through a schedule; ``fail`` takes out a stage with all that needs it, and gives them.

    Stages are handed to the pool as soon as they can be made and there is room, parts of a stage
    before the whole of it, which then finds its images there.
    """

    def __init__(
        self, store: Store, policy: Policy, suite: Suite, schedule: Schedule, fail: Fail
    ) -> None:
        self.store, self.policy, self.schedule, self.fail = store, policy, schedule, fail
        self.suite, self.title = suite.model_dump_json(), suite.title
        self.total = len(schedule.left)
        self.ended = self.failed = 0
        self.running: dict[Future[Ended], Task] = {}
        self.division = Division()
        self.tries: dict[str, int] = {}
        self.parked: dict[str, float] = {}  # made elsewhere; when to look again
        self.started: set[str] = set()
        self.stopping = False
        self.since = time.monotonic()

    def run(self, pool: Pool, board: Board) -> Iterator[Stage]:
        """Yield each stage when it is there or has failed.

        Raises:
            KeyboardInterrupt: after the first one, when what ends soon has ended; at the second.
        """
        self.pool, self.board = pool, board
        try:
            while self.schedule.left:
                try:
                    yield from self._turn()
                except KeyboardInterrupt:
                    self._stop()
            if self.stopping:  # all has ended, and there may be more that the user does not want
                raise KeyboardInterrupt
        except BaseException:
            for future in self.running:
                self.pool.kill(future)
            raise

    def _turn(self) -> Iterator[Stage]:
        """Start what can be started, and see to what has ended."""
        if self.stopping and not self.running:
            raise KeyboardInterrupt
        self._tell()
        if not self.stopping:
            yield from self._start()
        ended, _ = wait(self.running, timeout=TICK, return_when=FIRST_COMPLETED)
        for future in ended:
            yield from self._end(self.running.pop(future), future)
        if not ended and not self.running:  # only what another run makes is left
            time.sleep(TICK)
        self._watch()

    def _stop(self) -> None:
        """Stop after the first Ctrl-C: let end what is cheap, and start nothing."""
        if self.stopping or not self.running:
            raise KeyboardInterrupt
        self.stopping = True
        for future, task in list(self.running.items()):
            left = task.left()
            if left is None or left > CHEAP:
                task.stopped = True
                self.pool.kill(future)
        self._event("stopping", None, said="Ctrl-C again does not wait for what ends soon")

    # Starting

    def _start(self) -> Iterator[Stage]:
        for stage in self.schedule.take(self._wanted):
            if self.store.done(stage):  # another run has made it
                self._event("reused", stage)
                yield from self._made(stage)
            else:
                self._submit(stage)

    def _wanted(self, stage: Stage) -> bool:
        late = time.monotonic() >= self.parked.get(stage.key, 0.0)
        return late and self._room(stage.heavy)

    def _room(self, heavy: bool) -> bool:
        """Whether the executor can run one more job."""
        beside = [task.stage.heavy for task in self.running.values()]
        load = sum(self.pool.share(one) for one in beside) + self.pool.share(heavy)
        return not beside or (beside.count(heavy) < self.pool.width(heavy) and load <= 1.001)

    def _submit(self, stage: Stage) -> None:
        """Start a stage, or as many of its parts as there is room for; parts come first."""
        left = self.division.of(stage, self.policy.shards or self.pool.width(stage.heavy))
        while left and self._room(stage.heavy):
            self._give(stage, left.pop(0))
        if left:
            self.schedule.give_back(stage)
        elif not self._working_on(stage):
            self._give(stage, None)

    def _working_on(self, stage: Stage) -> bool:
        return any(task.stage.key == stage.key for task in self.running.values())

    def _give(self, stage: Stage, part: Part | None) -> None:
        name = short(stage.key) + (f"-{part.index + 1}-of-{part.count}" if part else "")
        job = Job(
            self.suite,
            stage.key,
            self.store.root.resolve(),
            self.board.report_of(name),
            self.store.limits,
            part,
            self.policy.deterministic,
            self.policy.processes,
            Here(stage, self.store.notify),
        )
        job.report.unlink(missing_ok=True)
        self.running[self.pool.submit(job, stage.heavy)] = Task(stage, job)

    # Watching

    def _watch(self) -> None:
        for future, task in self.running.items():
            if task.look() and not self.pool.here:
                self._started(task.stage)
                if task.total:
                    counted = self.division.progress(task, self.running.values())
                    self._event("progress", task.stage, *counted)
            limit = self.store.limits.seconds_of(task.stage.kind)
            if limit and task.seconds > limit + GRACE:
                task.overdue = True
                self.pool.kill(future)

    def _started(self, stage: Stage) -> None:
        if stage.key not in self.started and not self.pool.here:
            self.started.add(stage.key)
            self._event("started", stage)

    def _tell(self) -> None:
        self.board.tell(
            {
                "suite": self.title,
                "stages": self.total,
                "ended": self.ended,
                "failed": self.failed,
                "seconds": round(time.monotonic() - self.since, 1),
                "running": [task.told() for task in self.running.values()],
            }
        )

    def _event(
        self, kind: str, stage: Stage | None, done: int = 0, total: int = 0, said: str = ""
    ) -> None:
        """Tell of a stage, or of the suite."""
        title, key = (stage.title, stage.key) if stage else (self.title, "")
        self.store.notify(StageEvent(kind, title, done, total, said, key))

    # Ending

    def _end(self, task: Task, future: Future[Ended]) -> Iterator[Stage]:
        stage, ended = task.stage, self._outcome(task, future)
        if task.stopped or stage.key not in self.schedule.left:  # another part of it failed
            return
        if ended == "busy":
            self._park(stage, task.job.part)
            return
        if ended == "there":
            self._event("reused", stage)
            yield from self._made(stage)
            return
        self._started(stage)  # it may have been too quick to be seen at work
        if isinstance(ended, StageFailure):
            if ended.kind in CUT_OFF:
                self.pool.kill(future)
            yield from self._failed(stage, task.job.part, ended)
        elif task.job.part is not None:
            self.division.ended(task)
            self._again(stage)
        elif self.store.done(stage):
            if not self.pool.here:
                self._event("finished", stage)
            yield from self._made(stage)
        else:
            self._again(stage)  # a file of it went away at the same moment

    def _outcome(self, task: Task, future: Future[Ended]) -> Ended:
        folder = self.store.folder(task.stage)
        try:
            return future.result()
        except WorkerDied as error:
            limit = self.store.limits.seconds_of(task.stage.kind)
            reached = TimeLimitReached(overdue_message(limit)) if task.overdue and limit else error
            return explain(task.stage, folder, reached)
        except Exception as error:  # of the executor, or of the code that builds the stages
            return explain(task.stage, folder, error)

    def _again(self, stage: Stage, part: Part | None = None) -> None:
        """Hand a stage, or a part of it, out again when nobody works on it any more."""
        if part is not None:
            self.division.give_back(stage, part)
        if not self._working_on(stage):
            self.schedule.give_back(stage)

    def _park(self, stage: Stage, part: Part | None) -> None:
        """Look again later at a stage that another run makes."""
        if stage.key not in self.parked:
            self._event("waiting", stage, said="another run makes it")
        self.parked[stage.key] = time.monotonic() + PATIENCE
        self._again(stage, part)

    def _made(self, stage: Stage) -> Iterator[Stage]:
        self.ended += 1
        self.schedule.made(stage)
        self._event("suite", None, self.ended, self.total)
        yield stage

    def _failed(self, stage: Stage, part: Part | None, failure: StageFailure) -> Iterator[Stage]:
        self.tries[stage.key] = self.tries.get(stage.key, 0) + 1
        if failure.kind not in FINAL and self.tries[stage.key] <= self.policy.retries:
            self._event("retried", stage, said=str(failure))
            self._again(stage, part)
            return
        if not self.pool.here:
            self._event("failed", stage, said=str(failure))
        fallen = self.fail(stage, failure)
        self.ended, self.failed = self.ended + len(fallen), self.failed + len(fallen)
        self._event("suite", None, self.ended, self.total)
        yield from fallen
