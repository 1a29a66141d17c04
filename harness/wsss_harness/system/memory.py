"""The memory of this process and its children."""

import contextlib
import threading
from collections.abc import Callable, Iterator

import psutil

INTERVAL = 0.5  # seconds between two looks; each reads the list of all processes


def resident() -> int:
    """Bytes of resident memory; memory that processes share counts for each of them."""
    own = psutil.Process()
    total: int = own.memory_info().rss
    for child in own.children(recursive=True):
        with contextlib.suppress(psutil.Error):  # it has ended meanwhile
            total += child.memory_info().rss
    return total


@contextlib.contextmanager
def polled(observe: Callable[[int], None]) -> Iterator[None]:
    """Call ``observe`` with the resident bytes, from a thread, twice a second during the body."""
    ended = threading.Event()

    def poll() -> None:
        while not ended.wait(INTERVAL):
            observe(resident())

    thread = threading.Thread(target=poll, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
