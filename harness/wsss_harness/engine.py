"""Make stages: each once, several at a time, by an executor, and around those that fail."""

import contextlib
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import asdict, dataclass, field
from typing import Any

from wsss_harness.errors import StageFailure, WorkerDied
from wsss_harness.executors.inline import Inline
from wsss_harness.failures import explain
from wsss_harness.hookspecs import Executor, Pool, StageEvent
from wsss_harness.jobs import Ended, Here, Job
from wsss_harness.limits import TimeLimitReached, too_long
from wsss_harness.live import Board, read_report
from wsss_harness.places import short
from wsss_harness.recipe import Suite
from wsss_harness.schedule import Schedule
from wsss_harness.stage import Part, Stage
from wsss_harness.store import Store

TICK = 0.2  # seconds between two looks at what runs
GRACE = 15.0  # seconds beyond its limit after which a process that does not stop is ended
CHEAP = 20.0  # seconds that a stage may still take after the first Ctrl-C
PATIENCE = 2.0  # seconds until a stage that another run makes is looked at again
# What is wrong will be wrong again: these are not tried a second time.
FINAL = ("ConfigError", "DataError", "PluginError", "SupervisionError")
# Where a limit cuts off an import, the process cannot do it again.
CUT_OFF = ("MemoryLimitReached", "TimeLimitReached")


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


@dataclass
class Task:
    """A stage, or a part of one, that runs at the moment."""

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

    def left(self) -> float | None:
        """About how many seconds it still takes; None if it cannot be told."""
        if self.begun is None or not self.done:
            return None if self.stage.heavy else 0.0
        return (time.monotonic() - self.begun) * (self.total - self.done) / self.done


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
        with self.session() as (pool, board):
            yield from Course(self, suite, schedule, pool, board).run()

    @contextlib.contextmanager
    def session(self) -> Iterator[tuple[Pool, Board]]:
        """Keep the pool of the executor, with all that it has loaded, from one call to the next."""
        if self._open is not None:
            yield self._open
            return
        board = Board(self.store.root)
        with self.executor.start(self.store.root) as pool, board:
            self._open = pool, board
            try:
                yield pool, board
            finally:
                self._open = None

    def _fallen(self, schedule: Schedule) -> Iterator[Stage]:
        """The stages that cannot be made, since they or what they need failed before."""
        for key in [key for key in schedule.left if key in self.failures]:
            yield from self.fail(schedule, key, self.failures[key])

    def fail(self, schedule: Schedule, key: str, failure: StageFailure) -> list[Stage]:
        fallen = schedule.failed(schedule.left[key]) if key in schedule.left else []
        for stage in fallen:
            self.failures[stage.key] = failure
        return fallen


class Course:
    """One pass of an engine over the stages of a schedule."""

    def __init__(
        self, engine: Engine, suite: Suite, schedule: Schedule, pool: Pool, board: Board
    ) -> None:
        self.engine, self.store, self.policy = engine, engine.store, engine.policy
        self.schedule, self.pool, self.board = schedule, pool, board
        self.suite = suite.model_dump_json()
        self.title = suite.title
        self.total = len(schedule.left)
        self.ended = 0
        self.running: dict[Future[Ended], Task] = {}
        self.parts: dict[str, list[Part]] = {}  # of stages that are made in parts, those left
        self.tries: dict[str, int] = {}
        self.parked: dict[str, float] = {}  # made elsewhere; when to look again
        self.past: dict[str, int] = {}  # images of parts that have ended
        self.started: set[str] = set()
        self.stopping = False
        self.since = time.monotonic()

    def run(self) -> Iterator[Stage]:
        try:
            while self.schedule.left:
                try:
                    yield from self._turn()
                except KeyboardInterrupt:
                    self._stop()
        except BaseException:
            for future in self.running:
                self.pool.kill(future)
            raise

    def _turn(self) -> Iterator[Stage]:
        """Start what can be started, and see to what has ended."""
        if self.stopping and not self.running:
            raise KeyboardInterrupt
        if not self.stopping:
            yield from self._start()
        self._tell()
        ended, _ = wait(self.running, timeout=TICK, return_when=FIRST_COMPLETED)
        for future in ended:
            yield from self._end(self.running.pop(future), future)
        if not self.running and self.parked:
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
        if stage.images and stage.key not in self.parts:
            self.parts[stage.key] = self._divided(stage)
        waiting = self.parts.get(stage.key)
        if waiting is None:
            self._give(stage, None)
            return
        while waiting and self._room(stage.heavy):
            self._give(stage, waiting.pop(0))
        if waiting:
            self.schedule.give_back(stage)
        elif not self._working_on(stage):
            self._give(stage, None)

    def _divided(self, stage: Stage) -> list[Part]:
        count = self.policy.shards or self.pool.width(stage.heavy)
        return [Part(index, count) for index in range(count)] if count > 1 else []

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
        task = Task(stage, job)
        self.running[self.pool.submit(job, stage.heavy)] = task

    # Watching

    def _watch(self) -> None:
        for future, task in self.running.items():
            if task.look() and not self.pool.here:
                self._started(task.stage)
                if task.total:
                    self._event("progress", task.stage, *self._progress(task))
            limit = self.store.limits.seconds_of(task.stage.kind)
            if limit and task.begun and time.monotonic() - task.begun > limit + GRACE:
                task.overdue = True
                self.pool.kill(future)

    def _started(self, stage: Stage) -> None:
        if stage.key not in self.started and not self.pool.here:
            self.started.add(stage.key)
            self._event("started", stage)

    def _progress(self, task: Task) -> tuple[int, int]:
        """How much of a stage is done, in all its parts together."""
        if task.job.part is None:
            return task.done, task.total
        key, count = task.stage.key, task.job.part.count
        now = sum(one.done for one in self.running.values() if one.stage.key == key)
        return self.past.get(key, 0) + now, task.total * count

    def _tell(self) -> None:
        running = [
            {
                "stage": task.stage.title,
                "part": asdict(task.job.part) if task.job.part else None,
                "done": task.done,
                "total": task.total,
                "seconds": round(time.monotonic() - task.begun, 1) if task.begun else 0.0,
            }
            for task in self.running.values()
        ]
        told: dict[str, Any] = {"suite": self.title, "stages": self.total, "ended": self.ended}
        told["failed"] = len(self.engine.failures)
        told["seconds"] = round(time.monotonic() - self.since, 1)
        self.board.tell({**told, "running": running})

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
        self._started(stage)  # it may have been too quick to be seen at work
        if isinstance(ended, StageFailure):
            if ended.kind in CUT_OFF:
                self.pool.kill(future)
            yield from self._failed(stage, task.job.part, ended)
        elif task.job.part is not None:
            task.look()
            self.past[stage.key] = self.past.get(stage.key, 0) + task.total
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
            reached = TimeLimitReached(too_long(limit)) if task.overdue and limit else error
            return explain(task.stage, folder, reached)
        except Exception as error:  # of the executor, or of the code that builds the stages
            return explain(task.stage, folder, error)

    def _again(self, stage: Stage, part: Part | None = None) -> None:
        """Hand a stage, or a part of it, out again when nobody works on it any more."""
        if part is not None:
            self.parts[stage.key].append(part)
        if not self._working_on(stage):
            self.schedule.give_back(stage)

    def _park(self, stage: Stage, part: Part | None) -> None:
        """Look again later at a stage that another run makes."""
        if stage.key not in self.parked and not self.pool.here:
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
        fallen = self.engine.fail(self.schedule, stage.key, failure)
        self.ended += len(fallen)
        self._event("suite", None, self.ended, self.total)
        yield from fallen
