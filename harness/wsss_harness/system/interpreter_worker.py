"""The other side of ``interpreters``: a process that runs what it is sent, one call at a time."""

import faulthandler
import os
import pickle
import signal
import sys
import threading
import traceback
from queue import Empty, Queue
from typing import IO, Any

from wsss_harness.contract.errors import ConfigError, StageError
from wsss_harness.system.interpreters import MARK, unpacked

IDLE = 60.0  # seconds without a call after which the process ends; a next call starts another one
KNOWN = ("builtins", "wsss_harness.contract.errors")  # modules whose errors both sides have

_replies: IO[bytes] | None = None


def main() -> None:
    global _replies
    for number in (signal.SIGINT, signal.SIGTERM):  # for the group: the other side ends this one
        signal.signal(number, signal.SIG_IGN)
    faulthandler.enable()
    requests: Queue[bytes] = Queue()
    source = os.fdopen(os.dup(0), "rb")
    _replies = os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(2, 1)  # what is printed goes to the log, and never between replies
    threading.Thread(target=_read, args=(source, requests), daemon=True).start()
    _replies.write(MARK)
    while True:
        try:
            request = requests.get(timeout=IDLE)
        except Empty:
            os._exit(0)
        _reply(*_answer(request))


def progress(done: int, total: int) -> None:
    """Report how far the call is; does nothing outside one."""
    if _replies is not None:
        _reply("progress", (done, total))


def _read(source: IO[bytes], requests: "Queue[bytes]") -> None:
    """Queue what comes, and end the process with the other side, whatever is running."""
    try:
        while True:
            requests.put(pickle.load(source))
    except (EOFError, OSError):
        os._exit(1)


def _reply(kind: str, content: Any) -> None:
    assert _replies is not None
    pickle.dump((kind, content), _replies)
    _replies.flush()


def _answer(request: bytes) -> tuple[str, Any]:
    try:
        function, arguments = _understood(request)
        return "result", function(*arguments)
    except (Exception, SystemExit) as error:
        traceback.print_exc()
        sys.stderr.flush()
        return "error", _portable(error)


def _understood(request: bytes) -> Any:
    try:
        return unpacked(request)
    except (ImportError, AttributeError) as error:
        raise ConfigError(
            f"it cannot load what a stage works with ({error}); install there the plugins that "
            "the stage uses, that of the dataset included, in the versions of here"
        ) from error


def _portable(error: BaseException) -> BaseException:
    """The error as the other side can read it."""
    plain = all(isinstance(value, str | int | None) for value in error.args)
    if type(error).__module__ in KNOWN and isinstance(error, Exception) and plain:
        return error
    return StageError(f"{type(error).__name__}: {error}")
