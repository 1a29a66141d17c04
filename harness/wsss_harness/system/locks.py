"""Locks of stages: one process makes a stage, or several make parts of it, and nobody else.

They are locks of the operating system on a file: the lock of a process that is killed is free.
"""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

SOON = 0.1  # seconds in which a lock that is held for a moment is free again


class Busy(Exception):
    """Another process works on the stage."""


@contextmanager
def exclusive(path: Path, wait: bool) -> Iterator[None]:
    """Hold the lock alone; Busy if another process has it and it is not waited for."""
    lock = FileLock(path)
    try:
        lock.acquire(timeout=-1 if wait else SOON)
    except Timeout:
        raise Busy from None
    try:
        yield
    finally:
        lock.release()


@contextmanager
def shared(path: Path, wait: bool) -> Iterator[None]:
    """Hold the lock with others that share it; Busy if it is held alone, and not waited for."""
    with path.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | (0 if wait else fcntl.LOCK_NB))
        except OSError:
            raise Busy from None
        yield
