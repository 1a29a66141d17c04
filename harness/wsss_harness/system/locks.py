"""Locks on files, held by the operating system: a process that is killed releases its locks."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

BRIEFLY = 0.1  # seconds to wait for a lock that another process may hold for a moment only


class Busy(Exception):
    """Another process holds the lock."""


@contextmanager
def exclusive(path: Path, wait: bool, patience: float = BRIEFLY) -> Iterator[None]:
    """Hold the lock alone; if ``wait`` is False, Busy after ``patience`` seconds without it."""
    lock = FileLock(path)
    try:
        lock.acquire(timeout=-1 if wait else patience)
    except Timeout:
        raise Busy from None
    try:
        yield
    finally:
        lock.release()


@contextmanager
def shared(path: Path, wait: bool) -> Iterator[None]:
    """Hold the lock together with other sharers; Busy if it is held alone and ``wait`` is False.

    Windows has no such locks: there, a shared lock is an exclusive one.
    """
    try:
        import fcntl
    except ImportError:
        with exclusive(path, wait):
            yield
        return
    with path.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | (0 if wait else fcntl.LOCK_NB))
        except OSError:
            raise Busy from None
        yield
