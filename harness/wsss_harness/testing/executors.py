"""Checks of executors: jobs end with their result, their error, or WorkerDied."""

import os
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from wsss_harness.contract.errors import WorkerDied
from wsss_harness.contract.findings import Finding, judge
from wsss_harness.contract.hookspecs import Pool
from wsss_harness.plugins.offers import Offer

LONG = 600.0  # seconds of a job that is killed before its end


def check(offer: Offer, options: Mapping[str, Any], limit: float) -> Iterator[Finding]:
    """Each job has ``limit`` seconds."""
    with TemporaryDirectory() as folder, offer.announced(**options).start(Path(folder)) as pool:
        checks: list[tuple[str, Callable[[Pool, float], str | None]]] = [
            ("states how many jobs it runs at once", _widths),
            ("returns the result of a job", _result),
            ("returns the error of a job", _error),
        ]
        if not pool.here:
            checks += [("survives a job that is killed", _death), ("kills a job at once", _kill)]
        for name, problem in checks:
            yield judge(name, problem(pool, limit))


def _widths(pool: Pool, limit: float) -> str | None:
    if all(pool.width(heavy) >= 1 and 0 < pool.share(heavy) <= 1 for heavy in (True, False)):
        return None
    return "width must be 1 or more, and share in (0, 1], for heavy jobs and for light ones"


def _result(pool: Pool, limit: float) -> str | None:
    jobs = [pool.submit(partial(pow, 2, 5), heavy) for heavy in (True, False)]
    results = [job.result(limit) for job in jobs]
    return None if results == [32, 32] else f"jobs that return 32 returned {results}"


def _error(pool: Pool, limit: float) -> str | None:
    error = pool.submit(partial(int, "x"), heavy=False).exception(limit)
    if isinstance(error, ValueError):
        return None
    return f"a job that raised ValueError returned {error!r}"


def _death(pool: Pool, limit: float) -> str | None:
    error = pool.submit(_end_process, False).exception(limit)
    return _died(error) or _result(pool, limit)


def _kill(pool: Pool, limit: float) -> str | None:
    future: Future[None] = pool.submit(partial(time.sleep, LONG), heavy=False)
    time.sleep(1)
    pool.kill(future)
    return _died(future.exception(limit)) or _result(pool, limit)


def _died(error: BaseException | None) -> str | None:
    if isinstance(error, WorkerDied):
        return None
    return f"the future of a job whose process died has {error!r}; set WorkerDied"


def _end_process() -> None:
    os.kill(os.getpid(), signal.SIGKILL)
