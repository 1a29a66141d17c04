"""A stage writes below its own folder and nowhere else in the store.

Python tells an audit hook of each file that is opened or changed, before it happens. Libraries that
write without Python (torch.save given a path, OpenCV) are not seen, nor what is opened relative to
an open folder; the conformance checks of wsss_harness.testing look for what they leave.
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
NOWHERE = -1
# Event: the places of its changed paths, each with the place of the folder that it is relative to.
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
_watchers: list[Callable[[str], None]] = []  # the innermost last
_hooked = False


@dataclass(frozen=True)
class Confined:
    """Refuses changes in ``store`` that are not below ``folder``, both real paths."""

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
    """Raise PluginError, before it happens, when something else in ``store`` is changed."""
    with _watched_by(Confined(os.path.realpath(store), os.path.realpath(folder))):
        yield


@contextmanager
def noting(folder: Path) -> Iterator[set[str]]:
    """Yield a set that collects the paths that are changed and not below ``folder``."""
    within, noted = os.path.realpath(folder), set[str]()

    def note(path: str) -> None:
        if not _below(path, within):
            noted.add(path)

    with _watched_by(note):
        yield noted


@contextmanager
def suspended() -> Iterator[None]:
    """Let the body write where it likes: it is not what is watched."""
    with _watched_by(lambda path: None):
        yield


def current() -> Callable[[str], None] | None:
    """What watches this process, for ``confine`` in a worker."""
    return _watchers[-1] if _watchers else None


def confine(watcher: Callable[[str], None]) -> None:
    """Have the rest of this process watched."""
    global _hooked
    if not _hooked:
        sys.addaudithook(_hear)  # it cannot be removed, so it is added once and does little
        _hooked = True
    _watchers.append(watcher)


@contextmanager
def _watched_by(watcher: Callable[[str], None]) -> Iterator[None]:
    confine(watcher)
    try:
        yield
    finally:
        _watchers.pop()


def _hear(event: str, arguments: tuple[Any, ...]) -> None:
    if not _watchers:
        return
    opened = event == "open" and arguments[2] & WRITING
    for place, base in ((0, None),) if opened else CHANGED.get(event, ()):
        path = arguments[place]
        relative = base is not None and arguments[base] not in (NOWHERE, None)
        # An open file was seen when it was opened; so was an open folder, by who walks through it.
        if isinstance(path, str | bytes | os.PathLike) and not relative:
            _watchers[-1](_real(os.fsdecode(path), follow=opened))


def _real(path: str, follow: bool) -> str:
    """Where a path leads; what removes or renames a link does not follow it."""
    if follow:
        return os.path.realpath(path)
    folder, name = os.path.split(path.rstrip(os.sep))
    return os.path.join(os.path.realpath(folder), name)


def _below(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder + os.sep)
