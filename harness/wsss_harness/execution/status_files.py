"""Files that tell other processes and machines what is running on a store."""

import contextlib
import os
import shutil
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

from wsss_harness.contract.errors import DataError
from wsss_harness.contract.hookspecs import StageEvent
from wsss_harness.store.layout import RUNNING, create, lock_of
from wsss_harness.system import locks
from wsss_harness.system.files import read_json, write_json
from wsss_harness.system.write_guard import suspended

INTERVAL = 0.5  # seconds between two writes of a file
RUNNER = "runner.json"


@dataclass
class StatusFile:
    """A JSON file that is written at most every INTERVAL seconds; errors of writing are ignored."""

    path: Path
    _written: float = 0.0

    def write(self, content: dict[str, Any], at_once: bool = False) -> None:
        if at_once or time.monotonic() - self._written >= INTERVAL:
            self._written = time.monotonic()
            with contextlib.suppress(OSError), suspended():
                write_json(self.path, content)


class ProgressFile(StatusFile):
    """The file to which a running stage writes how far it is."""

    def __call__(self, event: StageEvent) -> None:
        if event.kind in ("started", "progress"):
            content = {"done": event.done, "total": event.total}
            self.write(content, at_once=event.kind == "started")


class RunStatus:
    """The folder of status files of one run, which exists while the run has stages to make.

    Its lock is taken before the folder is made, so a folder whose lock is free belongs to no run.
    """

    def __init__(self, root: Path) -> None:
        name = f"{socket.gethostname()}-{os.getpid()}-{uuid4().hex[:4]}"
        self.folder = root / RUNNING / name
        self._root, self._root_is_new = root, not root.exists()
        self._file = StatusFile(self.folder / RUNNER)
        self._held = contextlib.ExitStack()
        self._exists = False

    def __enter__(self) -> "RunStatus":
        return self

    def __exit__(self, *error: object) -> None:
        if self._exists:
            remove(self.folder)
            self._held.close()
            made = [self.folder.parent, *([self._root] if self._root_is_new else [])]
            for folder in made:
                with contextlib.suppress(OSError):  # not empty, as usual
                    folder.rmdir()

    def _create(self) -> None:
        for folder in run_folders(self.folder.parent):
            if not is_alive(folder):  # its run was killed
                remove(folder)
        create(self.folder.parent, self.folder.parents[1])
        self._held.enter_context(locks.exclusive(lock_of(self.folder), wait=True))
        self.folder.mkdir()
        self._exists = True

    def write(self, content: dict[str, Any]) -> None:
        """Write what the run is doing, if it is due."""
        if not self._exists:
            self._create()
        self._file.write({"where": self.folder.name, **content})


def read_progress(path: Path) -> tuple[int, int] | None:
    """(done, total) of a stage; None before it has begun."""
    try:
        progress = read_json(path)
        return progress["done"], progress["total"]
    except (DataError, OSError):
        return None


def live_runs(root: Path) -> Iterator[dict[str, Any]]:
    """The last status of each run that works on a store now."""
    for folder in run_folders(root / RUNNING):
        if is_alive(folder):
            with contextlib.suppress(DataError):  # it has just begun, or just ended
                yield read_json(folder / RUNNER)


def run_folders(running: Path) -> list[Path]:
    return sorted(path for path in running.glob("*") if path.is_dir())


def is_alive(folder: Path) -> bool:
    try:
        with locks.exclusive(lock_of(folder), wait=False):
            return False
    except locks.Busy:
        return True


def remove(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    lock_of(folder).unlink(missing_ok=True)
