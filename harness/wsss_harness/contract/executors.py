"""Where stages are made, and what is told about them while they run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

if TYPE_CHECKING:
    from concurrent.futures import Future
    from contextlib import AbstractContextManager

Result = TypeVar("Result")


class Pool(Protocol):
    """Runs jobs in parallel without knowing what they do.

    ``here`` is True if jobs run in the calling process, which then sees their progress itself.
    """

    here: bool

    def width(self, heavy: bool) -> int:
        """How many jobs run at once; heavy ones work with networks."""

    def share(self, heavy: bool) -> float:
        """The fraction of all cores that one job gets, in (0, 1]."""

    def submit(self, job: Callable[[], Result], heavy: bool) -> Future[Result]:
        """Start a picklable job; its future raises WorkerDied if the process of the job dies."""

    def kill(self, future: Future[Any]) -> None:
        """End the process of a job, which may have finished; the process is not used again."""


class Executor(Protocol):
    """Where stages are made. Its fields are options of the command, not of a suite."""

    def start(self, folder: Path) -> AbstractContextManager[Pool]:
        """Open a pool whose jobs read and write below ``folder``; on exit, all jobs have ended."""


@dataclass(frozen=True)
class StageEvent:
    """A change in the state of a stage or of a suite.

    Attributes:
        kind: waiting, started, progress, retried, finished, reused or failed; for a whole suite
            also "suite", with the number of stages that have ended, and "stopping".
        stage: the title of the stage.
        done: number of steps done, out of ``total``.
        message: why the stage waits, is retried or failed.
        key: distinguishes stages with the same title.
    """

    kind: str
    stage: str
    done: int = 0
    total: int = 0
    message: str = ""
    key: str = ""
