"""Limits on the time and memory that a stage may take."""

import signal
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from wsss_harness.contract.errors import StageError
from wsss_harness.system.meter import polled

REPEAT = 10.0  # seconds until a body that caught the signal gets it again
GB = 10**9
# Failures after which a process is not used again: a limit may have cut off an import, which
# cannot be repeated.
CUT_OFF = ("MemoryLimitReached", "TimeLimitReached")


class LimitSignal(BaseException):
    """Raised in the body; not an Exception, so that `except Exception` does not catch it."""


class MemoryExceeded(LimitSignal):
    """Raised in a body that holds too much memory."""


class TimeLimitReached(StageError):
    """A stage took too long."""


class MemoryLimitReached(StageError):
    """A stage held too much memory."""


@dataclass(frozen=True)
class Limits:
    """Seconds for a stage, ``by_kind`` first, and bytes of memory; None is no limit."""

    seconds: float | None = None
    by_kind: Mapping[str, float] = field(default_factory=dict)
    memory: int | None = None

    def seconds_of(self, kind: str) -> float | None:
        return self.by_kind.get(kind, self.seconds)

    def hold_for(self, kind: str) -> bool:
        return self.seconds_of(kind) is not None or self.memory is not None

    @contextmanager
    def of(self, kind: str) -> Iterator[None]:
        """Raise TimeLimitReached or MemoryLimitReached in a body of this kind beyond a limit."""
        with time_limit(self.seconds_of(kind)), memory_limit(self.memory):
            yield


NO_LIMITS = Limits()


def _handles_signals() -> bool:
    return threading.current_thread() is threading.main_thread() and hasattr(signal, "setitimer")


@contextmanager
def _raising(number: int, error: type[LimitSignal]) -> Iterator[None]:
    """Have a signal raise ``error`` in the body."""

    def handle(*_: Any) -> None:
        raise error

    before = signal.signal(number, handle)
    try:
        yield
    finally:
        signal.signal(number, before)


@contextmanager
def time_limit(seconds: float | None) -> Iterator[None]:
    """Raise TimeLimitReached in the body once ``seconds`` have passed; None is no limit.

    Only Python's main thread handles signals: in other threads, and on Windows, there is no limit.
    A single call into a library is not interrupted.
    """
    if seconds is None or not _handles_signals():
        yield
        return
    started = time.monotonic()
    try:
        with _raising(signal.SIGALRM, LimitSignal):
            signal.setitimer(signal.ITIMER_REAL, seconds, REPEAT)
            try:
                yield
            finally:
                signal.setitimer(signal.ITIMER_REAL, 0)
            if time.monotonic() - started > seconds:  # the body caught it
                raise LimitSignal
    except MemoryExceeded:
        raise
    except LimitSignal:
        raise TimeLimitReached(overdue_message(seconds)) from None


def overdue_message(seconds: float) -> str:
    return (
        f"took longer than the time limit of {seconds:g} s; what it finished is kept: raise "
        "--time-limit and run again to go on, or look for an endless loop"
    )


@contextmanager
def memory_limit(limit: int | None) -> Iterator[None]:
    """Raise MemoryLimitReached in a body that holds more than ``limit`` bytes, children included.

    Memory is measured twice a second, where signals can be handled. The operating system itself
    refuses a single allocation that is too large, or ends the process.
    """
    if limit is None or not _handles_signals():
        yield
        return
    peak, next_signal = 0, 0.0

    def check(resident: int) -> None:
        nonlocal peak, next_signal
        peak = max(peak, resident)
        if peak > limit and time.monotonic() >= next_signal:
            next_signal = time.monotonic() + REPEAT
            signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGUSR2)

    try:
        with _raising(signal.SIGUSR2, MemoryExceeded), polled(check):
            yield
    except MemoryExceeded:
        raise MemoryLimitReached(
            f"held {peak / GB:.1f} GB of memory, and the limit is {limit / GB:g} GB; use a smaller "
            "batch or image, or raise --memory-limit"
        ) from None
