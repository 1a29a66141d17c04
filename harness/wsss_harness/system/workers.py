"""The life of a process that works for another one."""

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

from wsss_harness.contract.errors import ConfigError

THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def refuse_below(least: int, **options: float) -> None:
    """Raise ConfigError for an option of an executor that is less than ``least``."""
    for name, value in options.items():
        if value < least:
            raise ConfigError(f"--executor-set {name}={value:g}: expected {least} or more")


retired = False


def retire() -> None:
    """Say that this process is not to be used again."""
    global retired
    retired = True


def pass_on(
    promised: "Future[Any]", done: "Future[Any]", named: Callable[[BaseException], BaseException]
) -> None:
    """Give a promised future what another one holds; its error as ``named`` names it."""
    error = done.exception()
    if error is not None:
        promised.set_exception(named(error))
    else:
        promised.set_result(done.result())


def enter(threads: int) -> None:
    """Prepare this process, before numpy is loaded: so many threads, no life of its own."""
    os.environ.update(dict.fromkeys(THREADS, str(threads)))
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent hears it and ends its workers
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
