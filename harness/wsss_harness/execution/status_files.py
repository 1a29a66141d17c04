"""What goes on in a store, as files, so that other processes and other machines can tell."""

import contextlib
import os
import shutil
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

from wsss_harness.contract.errors import DataError
from wsss_harness.contract.hookspecs import StageEvent
from wsss_harness.store.layout import RUNNING, create, lock_of
from wsss_harness.system import locks
from wsss_harness.system.files import read_json, write_json
from wsss_harness.system.write_guard import suspended

OFTEN = 0.5  # seconds between two reports, which is as often as anybody looks
RUNNER = "runner.json"


@dataclass
class Pace:
    """Says when enough time has passed since it last said so."""

    _last: float = 0.0

    def due(self) -> bool:
        now = time.monotonic()
        if now - self._last < OFTEN:
            return False
        self._last = now
        return True


@dataclass
class Report:
    """Where a stage that is being made tells how far it is; it is left out if that fails."""

    path: Path
    pace: Pace = field(default_factory=Pace)

    def __call__(self, event: StageEvent) -> None:
        if event.kind not in ("started", "progress"):
            return
        if self.pace.due() or event.kind == "started":
            with contextlib.suppress(OSError), suspended():
                write_json(self.path, {"done": event.done, "total": event.total})


class Board:
    """The folder in which one run tells what it does, there as long as the run has stages.

    Its lock lies beside it and is held before the folder is there, so none without is alive.
    """

    def __init__(self, root: Path) -> None:
        name = f"{socket.gethostname()}-{os.getpid()}-{uuid4().hex[:4]}"
        self.folder = root / RUNNING / name
        self._pace = Pace()
        self._held = contextlib.ExitStack()
        self._there = False

    def __enter__(self) -> "Board":
        return self

    def __exit__(self, *error: object) -> None:
        if self._there:
            remove(self.folder)
            self._held.close()
            with contextlib.suppress(OSError):
                self.folder.parent.rmdir()

    def _appear(self) -> None:
        remove_dead(self.folder.parent)
        create(self.folder.parent, self.folder.parents[1])
        self._held.enter_context(locks.exclusive(lock_of(self.folder), wait=True))
        self.folder.mkdir()
        self._there = True

    def report_of(self, name: str) -> Path:
        return self.folder / f"{name}.json"

    def tell(self, content: dict[str, Any]) -> None:
        """Say what the run does."""
        if not self._there:
            self._appear()
        if self._pace.due():
            with contextlib.suppress(OSError):
                write_json(self.folder / RUNNER, {"where": self.folder.name, **content})


def read_report(path: Path) -> tuple[int, int] | None:
    """How much of a stage is done, of how much; None before it has begun."""
    try:
        found = read_json(path)
        return found["done"], found["total"]
    except (DataError, OSError):
        return None


def runs(root: Path) -> Iterator[dict[str, Any]]:
    """What the runs that work on a store now told last."""
    for folder in folders(root / RUNNING):
        if alive(folder):
            with contextlib.suppress(DataError):  # it has just begun, or just ended
                yield read_json(folder / RUNNER)


def folders(running: Path) -> list[Path]:
    return sorted(path for path in running.glob("*") if path.is_dir())


def alive(folder: Path) -> bool:
    """Whether a run holds this folder."""
    try:
        with locks.exclusive(lock_of(folder), wait=False):
            return False
    except locks.Busy:
        return True


def remove_dead(running: Path) -> None:
    """Remove what runs that were killed have left."""
    for folder in folders(running):
        if not alive(folder):
            remove(folder)


def remove(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    lock_of(folder).unlink(missing_ok=True)
