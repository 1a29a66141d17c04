"""Jobs run in worker processes of this machine, which are used again and again."""

import contextlib
import multiprocessing
import os
import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from wsss_harness.contract.errors import WorkerDied
from wsss_harness.system import parallel, workers

Result = TypeVar("Result")
AT_A_GPU = 8  # threads of a job that has a GPU, at most
VISIBLE = "CUDA_VISIBLE_DEVICES"
FIRST_VICTIM = "500"  # the kernel ends a worker rather than the run when memory is short
DIED = 10.0  # seconds in which a process that has ended can be asked how


@dataclass(frozen=True)
class Local:
    """Worker processes of this machine: a crash, or a process that is killed, costs one job.

    ``jobs`` with networks run at once, by default as many as there are GPUs for, else one; each has
    ``threads``, by default its share of the cores, and ``gpus`` where there are any.
    """

    jobs: int = 0
    threads: int = 0
    gpus: int = 1

    def __post_init__(self) -> None:
        workers.refuse_below(0, jobs=self.jobs, threads=self.threads, gpus=self.gpus)

    @contextlib.contextmanager
    def start(self, folder: Path) -> Iterator["Workers"]:
        found, cores = visible_gpus(), parallel.cores()
        each = max(1, min(self.gpus, len(found)))
        groups = [",".join(found[first : first + each]) for first in range(0, len(found), each)]
        jobs = self.jobs or max(1, len(groups))
        most = min(AT_A_GPU * jobs, cores) if found else cores
        threads = self.threads or max(1, most // jobs)
        made = Workers(jobs, threads, cores, groups)
        try:
            yield made
        finally:
            made.close()


def visible_gpus() -> list[str]:
    """The GPUs that this process may use, as CUDA counts them."""
    if VISIBLE in os.environ:
        return [number for number in os.environ[VISIBLE].split(",") if number]
    return [path.name.removeprefix("nvidia") for path in Path("/dev").glob("nvidia[0-9]*")]


class Workers:
    """A pool of workers for heavy jobs, each with its threads, and of workers for light ones."""

    here = False

    def __init__(self, jobs: int, threads: int, cores: int, gpus: list[str]) -> None:
        self._jobs, self._threads, self._cores, self._gpus = jobs, threads, cores, gpus
        self._workers: list[Worker] = []

    def width(self, heavy: bool) -> int:
        return self._jobs if heavy else self._cores

    def share(self, heavy: bool) -> float:
        return min(self._threads / self._cores, 1 / self._jobs) if heavy else 1 / self._cores

    def submit(self, job: Callable[[], Result], heavy: bool) -> "Future[Result]":
        for worker in [worker for worker in self._workers if not (worker.alive or worker.busy)]:
            worker.close()
            self._workers.remove(worker)
        idle = (w for w in self._workers if w.heavy == heavy and w.alive and not w.busy)
        worker = next(idle, None) or self._added(heavy)
        return worker.run(job)

    def _added(self, heavy: bool) -> "Worker":
        beside = sum(worker.heavy for worker in self._workers)
        gpu = self._gpus[beside % len(self._gpus)] if self._gpus and heavy else ""
        worker = Worker(heavy, self._threads if heavy else 1, gpu)
        self._workers.append(worker)
        return worker

    def kill(self, future: "Future[Any]") -> None:
        for worker in self._workers:
            if worker.current is future:
                worker.retire()

    def close(self) -> None:
        for worker in self._workers:
            worker.close()


class Worker:
    """A process that runs one job at a time."""

    def __init__(self, heavy: bool, threads: int, gpu: str) -> None:
        self.heavy = heavy
        self.current: Future[Any] | None = None
        self._retired = False
        self._pool = ProcessPoolExecutor(
            1, multiprocessing.get_context("spawn"), _enter, (threads, gpu)
        )
        others = set(multiprocessing.active_children())
        self._pool.submit(int)
        (self.process,) = set(multiprocessing.active_children()) - others

    @property
    def busy(self) -> bool:
        return self.current is not None and not self.current.done()

    @property
    def alive(self) -> bool:
        return not self._retired and self.process.is_alive()

    def retire(self) -> None:
        """End the process; until it has ended, nobody else gives it a job."""
        self._retired = True
        self.process.kill()

    def run(self, job: Callable[[], Result]) -> "Future[Result]":
        self.current = promised = Future[Result]()
        try:
            self._pool.submit(job).add_done_callback(partial(self._keep, promised))
        except BrokenProcessPool:
            promised.set_exception(self._died())
        return promised

    def _keep(self, promised: "Future[Any]", done: "Future[Any]") -> None:
        def named(error: BaseException) -> BaseException:
            return self._died() if isinstance(error, BrokenProcessPool) else error

        workers.pass_on(promised, done, named)

    def _died(self) -> WorkerDied:
        end = time.monotonic() + DIED
        while self.process.exitcode is None and time.monotonic() < end:
            time.sleep(0.01)  # the pool waits for it too; who comes second hears of it late
        return WorkerDied(f"its process {ending(self.process.exitcode)}")

    def close(self) -> None:
        self.process.kill()  # it has nothing to lose, and torch takes seconds to end by itself
        self._pool.shutdown(wait=True, cancel_futures=True)


def ending(code: int | None) -> str:
    """How a process ended, in words."""
    if code is None or code >= 0:
        return f"ended with exit code {code}, though its work was not done"
    name = signal.Signals(-code).name
    if name == "SIGKILL":
        return "was killed, perhaps because memory ran out; use a smaller batch or fewer --jobs"
    return f"crashed ({name}); the log may hold a trace"


def _enter(threads: int, gpu: str) -> None:
    workers.enter(threads)
    parallel.grant(threads)
    if gpu:
        os.environ[VISIBLE] = gpu
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text(FIRST_VICTIM)
    import faulthandler

    faulthandler.enable()
