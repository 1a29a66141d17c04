"""Limits on the time and memory that a stage may take."""

import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from wsss_harness.contract.errors import StageError
from wsss_harness.system.meter import resident

AGAIN = 10.0  # seconds until a body that caught the ring hears it again
LOOK = 0.5  # seconds between two looks at the memory
GB = 10**9
# Kinds of failures after which a process is not used again: a limit may have cut off an import,
# which cannot be repeated.
CUT_OFF = ("MemoryLimitReached", "TimeLimitReached")


class Ring(BaseException):
    """What is raised in the body: no Exception, so that `except Exception` does not stop it."""


class Overflow(Ring):
    """What is raised in a body that holds too much memory."""


class TimeLimitReached(StageError):
    """A stage took too long."""


class MemoryLimitReached(StageError):
    """A stage held too much memory."""


@dataclass(frozen=True)
class Limits:
    """Seconds for a stage, those by kind first, and bytes of memory; None is no limit."""

    seconds: float | None = None
    by_kind: Mapping[str, float] = field(default_factory=dict)
    memory: int | None = None

    def seconds_of(self, kind: str) -> float | None:
        return self.by_kind.get(kind, self.seconds)

    @contextmanager
    def of(self, kind: str) -> Iterator[None]:
        """Raise TimeLimitReached or MemoryLimitReached in a body of this kind that goes beyond."""
        with time_limit(self.seconds_of(kind)), memory_limit(self.memory):
            yield


NO_LIMITS = Limits()


def _can_be_heard() -> bool:
    return threading.current_thread() is threading.main_thread() and hasattr(signal, "setitimer")


@contextmanager
def _raising(number: int, error: type[Ring]) -> Iterator[None]:
    """Have a signal raise ``error`` in the body."""

    def ring(*_: Any) -> None:
        raise error

    before = signal.signal(number, ring)
    try:
        yield
    finally:
        signal.signal(number, before)


@contextmanager
def time_limit(seconds: float | None) -> Iterator[None]:
    """Raise TimeLimitReached in the body once ``seconds`` have passed; None is no limit.

    It is an alarm of the operating system, which Python's main thread alone can hear; elsewhere,
    and on Windows, there is no limit. A single call into a library is not interrupted.
    """
    if seconds is None or not _can_be_heard():
        yield
        return
    started = time.monotonic()
    try:
        with _raising(signal.SIGALRM, Ring):
            signal.setitimer(signal.ITIMER_REAL, seconds, AGAIN)
            try:
                yield
            finally:
                signal.setitimer(signal.ITIMER_REAL, 0)
            if time.monotonic() - started > seconds:  # somebody caught it all the same
                raise Ring
    except Overflow:
        raise
    except Ring:
        raise TimeLimitReached(too_long(seconds)) from None


def too_long(seconds: float) -> str:
    return (
        f"took longer than the time limit of {seconds:g} s; what it finished is kept: raise "
        "--time-limit and run again to go on, or look for an endless loop"
    )


@contextmanager
def memory_limit(limit: int | None) -> Iterator[None]:
    """Raise MemoryLimitReached in a body that holds more than ``limit`` bytes, children included.

    It is looked at twice a second, where an alarm can be heard; a single allocation that is too
    large for the machine is refused by it, or ends the process.
    """
    if limit is None or not _can_be_heard():
        yield
        return
    held = 0

    def look() -> bool:
        nonlocal held
        held = max(held, resident())
        return held > limit

    try:
        with _raising(signal.SIGUSR2, Overflow), _looking(look):
            yield
    except Overflow:
        raise MemoryLimitReached(
            f"held {held / GB:.1f} GB of memory, and the limit is {limit / GB:g} GB; use a smaller "
            "batch or image, or raise --memory-limit"
        ) from None


@contextmanager
def _looking(look: Callable[[], bool]) -> Iterator[None]:
    """Send SIGUSR2 to the main thread each time that ``look`` finds something, twice a second."""
    ended = threading.Event()

    def watch() -> None:
        while not ended.wait(LOOK):
            if look():
                signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGUSR2)
                ended.wait(AGAIN)

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        ended.set()
        watcher.join()
