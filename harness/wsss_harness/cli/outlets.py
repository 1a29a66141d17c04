"""Standard output whose reader may leave, as `head` does: the command goes on, unheard."""

import io
import os
import sys
from typing import Any


class Unheard(io.FileIO):
    """A pipe that drops what nobody reads any more."""

    def write(self, data: object) -> int:
        try:
            return super().write(data)  # type: ignore[arg-type]
        except BrokenPipeError:
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self.fileno())
            os.close(nowhere)
            return super().write(data)  # type: ignore[arg-type]


def survive_broken_pipes() -> None:
    """Let standard output and error outlive their readers.

    A run of hours is worth more than what a pager shows of it, and ends with the code of its rows.
    """
    if sys.stdout is sys.__stdout__ and sys.stderr is sys.__stderr__:  # not where both are captured
        sys.stdout = sys.__stdout__ = _outlet(sys.stdout)  # type: ignore[misc]
        sys.stderr = sys.__stderr__ = _outlet(sys.stderr)  # type: ignore[misc]


def _outlet(stream: Any) -> io.TextIOWrapper:
    stream.flush()
    raw = Unheard(stream.fileno(), "w", closefd=False)
    return io.TextIOWrapper(
        io.BufferedWriter(raw), encoding=stream.encoding, errors=stream.errors, line_buffering=True
    )
