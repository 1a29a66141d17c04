"""The same work on many images, spread over the usable cores.

Only for work whose result depends neither on the process nor on the number of threads.
"""

import contextlib
import multiprocessing
import os
import pickle
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import cache, partial
from itertools import count
from pathlib import Path

from wsss_harness.contract.errors import StageError
from wsss_harness.contract.run import LOG, Run
from wsss_harness.system import workers, write_guard
from wsss_harness.system.limits import LimitSignal

FEW = 4  # images; starting a process takes about as long

Work = Callable[[str], None]  # works on one image, by id
Start = Callable[[], Work]  # loads what the work needs, once per process

_granted: int | None = None


def grant(cores: int) -> None:
    """Limit this process to a number of cores."""
    global _granted
    _granted = cores


def cores() -> int:
    """The cores that this process may use."""
    if _granted is not None:
        return _granted
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def run(
    start: Start, ids: Sequence[str], processes: int, log: Path, done: Callable[[], None]
) -> None:
    """Do the work for every id, calling ``done`` after each, in order.

    Few ids get fewer processes. If ``start`` cannot be pickled, such as a class defined in an
    interactive session, this process does all the work. Workers print to ``log``.

    Raises:
        StageError: a worker was killed. Errors of the work itself pass unchanged, those of the
            first id first.
    """
    processes = min(processes, len(ids) // FEW)
    task = _packed(start) if processes > 1 else None
    if task is not None:
        _spread(task, ids, processes, log, done)
        return
    work = start()
    for image_id in ids:
        work(image_id)
        done()


def for_each_image(work: Work, ids: Sequence[str], fit: Run, processes: int | None = None) -> None:
    """Do the work of a plugin's ``fit`` for every image, by default on all cores; see ``run``."""
    numbers = count(1)
    run(
        partial(_itself, work),
        ids,
        cores() if processes is None else processes,
        fit.folder / LOG,
        lambda: fit.progress(next(numbers), len(ids)),
    )


def _itself(work: Work) -> Work:
    return work


def _packed(start: Start) -> bytes | None:
    """``start`` for a pipe to our own workers, which is never on disk; None if not picklable."""
    try:
        return pickle.dumps(start)
    except (pickle.PicklingError, AttributeError, TypeError):
        return None


def _spread(
    task: bytes, ids: Sequence[str], processes: int, log: Path, done: Callable[[], None]
) -> None:
    context = multiprocessing.get_context("spawn")
    arguments = (task, log, write_guard.current())
    with ProcessPoolExecutor(processes, context, _enter, arguments) as pool:
        try:
            # Not pool.map: on an interrupt it cancels waiting futures, and a pool whose workers
            # were killed fails on futures that others cancelled (Python 3.11).
            for future in [pool.submit(_work, image_id) for image_id in ids]:
                future.result()
                done()
        except (LimitSignal, KeyboardInterrupt):
            for process in multiprocessing.active_children():
                process.kill()  # or the pool would wait until they finish
            raise
        except BrokenProcessPool:
            raise StageError(
                "a worker process ended before its work was done, perhaps because memory ran out; "
                "finished images are kept: run again, on fewer cores (taskset) if it happens again"
            ) from None
        finally:
            pool.shutdown(cancel_futures=True)


# In the workers

_task = b""


def _enter(task: bytes, log: Path, watcher: Callable[[str], None] | None) -> None:
    """Prepare a worker: one thread, a log, and the write guard of its parent."""
    global _task
    workers.enter(threads=1)
    sys.stdout = sys.stderr = log.open("a", encoding="utf-8", buffering=1)
    if watcher is not None:
        write_guard.confine(watcher)
    _task = task


@cache
def _started() -> Work:
    start: Start = pickle.loads(_task)
    work = start()
    with contextlib.suppress(KeyError):
        sys.modules["cv2"].setNumThreads(1)
    return work


def _work(image_id: str) -> None:
    _started()(image_id)
