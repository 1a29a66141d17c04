"""A limit on the time that a stage may take."""

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from wsss_harness.errors import StageError

AGAIN = 10.0  # seconds until a body that caught the ring hears it again


class Ring(BaseException):
    """What is raised in the body: no Exception, so that `except Exception` does not stop it."""


class TimeLimitReached(StageError):
    """A stage took too long."""


@contextmanager
def time_limit(seconds: float | None) -> Iterator[None]:
    """Raise TimeLimitReached in the body once ``seconds`` have passed; None is no limit.

    It is an alarm of the operating system, which Python's main thread alone can hear; elsewhere,
    and on Windows, there is no limit. A single call into a library is not interrupted.
    """
    heard = threading.current_thread() is threading.main_thread() and hasattr(signal, "setitimer")
    if seconds is None or not heard:
        yield
        return

    def ring(*_: Any) -> None:
        raise Ring

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds, AGAIN)
    started = time.monotonic()
    try:
        yield
        if time.monotonic() - started > seconds:  # somebody caught it all the same
            raise Ring
    except Ring:
        raise TimeLimitReached(
            f"took longer than the time limit of {seconds:g} s; what it finished is kept: raise "
            "--time-limit and run again to go on, or look for an endless loop"
        ) from None
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
