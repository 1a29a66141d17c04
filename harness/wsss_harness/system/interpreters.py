"""Run functions of the harness in another Python interpreter of this machine.

Nothing is sent but what both sides can import: a function goes by its name, and an object as its
class and fields. What comes back are plain values.
"""

import io
import os
import pickle
import signal
import subprocess
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path, PurePath
from typing import IO, Any, TypeVar

from wsss_harness.contract.errors import WorkerDied

Result = TypeVar("Result")
START = "from wsss_harness.system.interpreter_worker import main; main()"
MARK = b"\0wsss-bench\0"  # ends what other code may print while the interpreter starts


def _no_progress(done: int, total: int) -> None:
    pass


class Interpreter:
    """A process of the interpreter ``python``, which ends with this process, even if it is killed.

    What it prints goes to ``log``.

    Raises:
        OSError: ``python`` cannot be started.
    """

    def __init__(self, python: str, log: IO[bytes]) -> None:
        self._process = subprocess.Popen(
            [python, "-c", START],
            stdin=subprocess.PIPE,  # closed when this process ends, which the other one notices
            stdout=subprocess.PIPE,
            stderr=log,
            env={**os.environ, "PYTHONSAFEPATH": "1"},  # imports nothing from the current folder
        )
        self._begun = False

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    def call(
        self,
        function: Callable[..., Result],
        *arguments: Any,
        progress: Callable[[int, int], None] = _no_progress,
    ) -> Result:
        """What ``function`` returns there; ``progress`` gets what it reports.

        Raises:
            WorkerDied: the process ended.
            Exception: what the function raised, as StageError unless this side knows its class.
        """
        try:
            self._send(packed((function, arguments)))
            kind, content = self._receive()
            while kind == "progress":
                progress(*content)
                kind, content = self._receive()
        except (EOFError, BrokenPipeError):
            raise WorkerDied(f"its process {ending(self._process.wait())}") from None
        if kind == "error":
            raise content
        result: Result = content
        return result

    def _send(self, request: bytes) -> None:
        if self._process.stdin:
            pickle.dump(request, self._process.stdin)
            self._process.stdin.flush()

    def _receive(self) -> Any:
        replies = self._process.stdout
        assert replies is not None
        seen = b""
        while not self._begun:
            seen = (seen + _byte(replies))[-len(MARK) :]
            self._begun = seen == MARK
        return pickle.load(replies)

    def close(self) -> None:
        """End the process."""
        self._process.kill()
        with suppress(BrokenPipeError), self._process:  # closes its pipes and waits
            pass


def _byte(stream: IO[bytes]) -> bytes:
    if byte := stream.read(1):
        return byte
    raise EOFError


class _Pickler(pickle.Pickler):
    def reducer_override(self, value: Any) -> Any:
        """Paths as texts: versions of Python disagree about the module of their class."""
        return (Path, (str(value),)) if isinstance(value, PurePath) else NotImplemented

    def persistent_id(self, value: Any) -> str | None:
        return "Path" if value is Path else None


class _Unpickler(pickle.Unpickler):
    def persistent_load(self, name: str) -> Any:
        return Path


def packed(value: Any) -> bytes:
    """A pickle that another version of Python can read as well."""
    buffer = io.BytesIO()
    _Pickler(buffer, protocol=5).dump(value)
    return buffer.getvalue()


def unpacked(content: bytes) -> Any:
    return _Unpickler(io.BytesIO(content)).load()


def ending(code: int | None) -> str:
    """Say how a process ended, for a message."""
    if code is None or code >= 0:
        return f"ended with exit code {code}, though its work was not done"
    name = signal.Signals(-code).name
    if name == "SIGKILL":
        return "was killed, perhaps because memory ran out; use a smaller batch or fewer --jobs"
    return f"crashed ({name}); the log may hold a trace"
