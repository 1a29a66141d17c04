"""Run jobs in worker processes of this machine, each of which runs many jobs."""

import contextlib
import multiprocessing
import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import psutil

from wsss_harness.contract.errors import WorkerDied
from wsss_harness.system import parallel, workers
from wsss_harness.system.interpreters import ending

Result = TypeVar("Result")
JOBS_ON_CPU = 4  # at most, by default
MEMORY_OF_JOB = 4 * 2**30  # bytes; a slim network takes a quarter of it
THREADS_AT_GPU = 8  # at most, for a job that has a GPU
VISIBLE = "CUDA_VISIBLE_DEVICES"
OOM_SCORE = "500"  # when memory is short, the kernel kills a worker rather than the run
EXIT_CODE_WAIT = 10.0  # seconds until the exit code of an ended process is known, at most


@dataclass(frozen=True)
class Local:
    """Worker processes of this machine; a crash or a killed process fails one job.

    ``jobs`` with networks run at once, by default as many as the GPUs suffice for; see ``jobs_on``
    for a machine without a GPU. Each has ``threads``, by default its share of the cores, and
    ``gpus`` if there are any.
    """

    jobs: int = 0
    threads: int = 0
    gpus: int = 1

    def __post_init__(self) -> None:
        workers.refuse_below(0, jobs=self.jobs, threads=self.threads, gpus=self.gpus)

    @contextlib.contextmanager
    def start(self, folder: Path) -> Iterator["LocalPool"]:
        gpus, cores = visible_gpus(), parallel.cores()
        size = max(1, min(self.gpus, len(gpus)))
        groups = [",".join(gpus[start : start + size]) for start in range(0, len(gpus), size)]
        jobs = self.jobs or len(groups) or jobs_on(cores, psutil.virtual_memory().available)
        useful_cores = min(THREADS_AT_GPU * jobs, cores) if gpus else cores
        threads = self.threads or max(1, useful_cores // jobs)
        with contextlib.closing(LocalPool(jobs, threads, cores, groups)) as pool:
            yield pool


def jobs_on(cores: int, memory: int) -> int:
    """How many networks to train at once on a CPU, with this free memory in bytes.

    Small networks gain little from a second thread (`benchmarks/jobs_on_cpu.py`).
    """
    return max(1, min(cores, JOBS_ON_CPU, memory // MEMORY_OF_JOB))


def visible_gpus() -> list[str]:
    """The GPUs that this process may use, as CUDA numbers or names them."""
    if VISIBLE in os.environ:
        return [number for number in os.environ[VISIBLE].split(",") if number]
    return [path.name.removeprefix("nvidia") for path in Path("/dev").glob("nvidia[0-9]*")]


class LocalPool:
    """Workers with several threads for heavy jobs, and workers with one thread for light ones."""

    here = False

    def __init__(self, jobs: int, threads: int, cores: int, gpus: list[str]) -> None:
        self._jobs, self._threads, self._cores, self._gpus = jobs, threads, cores, gpus
        self._workers: list[Worker] = []

    def width(self, heavy: bool) -> int:
        return self._jobs if heavy else self._cores

    def share(self, heavy: bool) -> float:
        return min(self._threads / self._cores, 1 / self._jobs) if heavy else 1 / self._cores

    def submit(self, job: Callable[[], Result], heavy: bool) -> "Future[Result]":
        for worker in [w for w in self._workers if not (w.alive or w.busy)]:
            worker.close()
            self._workers.remove(worker)
        idle = (w for w in self._workers if w.heavy == heavy and w.alive and not w.busy)
        worker = next(idle, None) or self._add_worker(heavy)
        return worker.run(job)

    def _add_worker(self, heavy: bool) -> "Worker":
        number = sum(worker.heavy for worker in self._workers)
        gpu = self._gpus[number % len(self._gpus)] if self._gpus and heavy else ""
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
        """Kill the process, and give it no further job."""
        self._retired = True
        self.process.kill()

    def run(self, job: Callable[[], Result]) -> "Future[Result]":
        self.current = future = Future[Result]()
        try:
            self._pool.submit(job).add_done_callback(partial(self._pass_on, future))
        except BrokenProcessPool:
            future.set_exception(self._died())
        return future

    def _pass_on(self, future: "Future[Any]", done: "Future[Any]") -> None:
        def translate(error: BaseException) -> BaseException:
            return self._died() if isinstance(error, BrokenProcessPool) else error

        workers.pass_on(future, done, translate)

    def _died(self) -> WorkerDied:
        end = time.monotonic() + EXIT_CODE_WAIT
        while self.process.exitcode is None and time.monotonic() < end:
            time.sleep(0.01)  # the pool also waits for the process, and may be told first
        return WorkerDied(f"its process {ending(self.process.exitcode)}")

    def close(self) -> None:
        self.process.kill()  # no job runs, and torch takes seconds to exit by itself
        self._pool.shutdown(wait=True, cancel_futures=True)


def _enter(threads: int, gpu: str) -> None:
    workers.enter(threads)
    parallel.grant(threads)
    if gpu:
        os.environ[VISIBLE] = gpu
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text(OOM_SCORE)
    import faulthandler

    faulthandler.enable()
