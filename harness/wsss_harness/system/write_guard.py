"""Keeps a stage from writing in the store outside its own folder.

Python calls an audit hook before it opens or changes a file. The hook does not see libraries that
write without Python (torch.save with a path, OpenCV) nor files opened relative to a directory
descriptor; the conformance checks of wsss_harness.testing look for such files afterwards.
"""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wsss_harness.contract.errors import PluginError

WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
NO_DIRECTORY = -1  # the directory descriptor of an event without one
# Audit event: the argument indices of each changed path and of its directory descriptor.
CHANGED: dict[str, tuple[tuple[int, int | None], ...]] = {
    "os.remove": ((0, 1),),
    "os.rename": ((0, 2), (1, 3)),
    "os.rmdir": ((0, 1),),
    "os.mkdir": ((0, 2),),
    "os.truncate": ((0, None),),
    "os.link": ((1, 3),),
    "os.symlink": ((1, 2),),
    "shutil.rmtree": ((0, 1),),
}
_watchers: list[Callable[[str], None]] = []  # innermost last
_hooked = False


@dataclass(frozen=True)
class Confined:
    """Refuses changes in ``store`` outside ``folder``; both are real paths."""

    store: str
    folder: str

    def __call__(self, path: str) -> None:
        if _below(path, self.store) and not _below(path, self.folder):
            raise PluginError(
                f"tried to write {path}; a plugin writes below the folder of its own stage "
                f"(run.folder, here {self.folder}) and nowhere else in the store"
            )


@contextmanager
def writing_below(folder: Path, store: Path) -> Iterator[None]:
    """Raise PluginError before the body changes anything else in ``store``."""
    with _watched_by(Confined(os.path.realpath(store), os.path.realpath(folder))):
        yield


@contextmanager
def noting(folder: Path) -> Iterator[set[str]]:
    """Yield a set that collects the changed paths outside ``folder``."""
    root, changed = os.path.realpath(folder), set[str]()

    def note(path: str) -> None:
        if not _below(path, root):
            changed.add(path)

    with _watched_by(note):
        yield changed


@contextmanager
def suspended() -> Iterator[None]:
    """Let the body write anywhere."""
    with _watched_by(lambda path: None):
        yield


def current() -> Callable[[str], None] | None:
    """The watcher of this process, to pass to ``confine`` in a worker."""
    return _watchers[-1] if _watchers else None


def confine(watcher: Callable[[str], None]) -> None:
    """Watch all further changes by this process."""
    global _hooked
    if not _hooked:
        sys.addaudithook(_audit)  # cannot be removed, so it is added once
        _hooked = True
    _watchers.append(watcher)


@contextmanager
def _watched_by(watcher: Callable[[str], None]) -> Iterator[None]:
    confine(watcher)
    try:
        yield
    finally:
        _watchers.pop()


def _audit(event: str, arguments: tuple[Any, ...]) -> None:
    if not _watchers:
        return
    opened = event == "open" and arguments[2] & WRITING
    for index, directory in ((0, None),) if opened else CHANGED.get(event, ()):
        path = arguments[index]
        relative = directory is not None and arguments[directory] not in (NO_DIRECTORY, None)
        # A path that is a file descriptor was seen when that file was opened.
        if isinstance(path, str | bytes | os.PathLike) and not relative:
            _watchers[-1](_real(os.fsdecode(path), follow=opened))


def _real(path: str, follow: bool) -> str:
    """The real path; changes other than opening act on a link itself, not on its target."""
    if follow:
        return os.path.realpath(path)
    folder, name = os.path.split(path.rstrip(os.sep))
    return os.path.join(os.path.realpath(folder), name)


def _below(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder + os.sep)
