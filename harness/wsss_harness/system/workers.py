"""Processes that work for a parent process."""

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
    """Raise ConfigError for an option of an executor that is below ``least``."""
    for name, value in options.items():
        if value < least:
            raise ConfigError(f"--executor-set {name}={value:g}: expected {least} or more")


retired = False


def retire() -> None:
    """Mark this process as not to be used again."""
    global retired
    retired = True


def pass_on(
    target: "Future[Any]",
    source: "Future[Any]",
    translate: Callable[[BaseException], BaseException],
) -> None:
    """Copy the result of a finished future to another one, or its translated error."""
    error = source.exception()
    if error is not None:
        target.set_exception(translate(error))
    else:
        target.set_result(source.result())


def enter(threads: int) -> None:
    """Set thread limits, before numpy is imported, and exit when the parent exits."""
    os.environ.update(dict.fromkeys(THREADS, str(threads)))
    for number in (signal.SIGINT, signal.SIGTERM):  # as a group, with the parent, which ends it
        signal.signal(number, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
