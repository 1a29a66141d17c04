"""A stage writes below its own folder and nowhere else in the store.

Python tells an audit hook of each file that is opened or changed, before it happens. Libraries that
write without Python (torch.save given a path, OpenCV) are not seen; the conformance checks of
wsss_harness.testing look for what they leave.
"""

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from wsss_harness.errors import PluginError

WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
CHANGED: dict[str, tuple[int, ...]] = {  # event: which of its arguments are changed paths
    "os.remove": (0,),
    "os.rename": (0, 1),
    "os.rmdir": (0,),
    "os.mkdir": (0,),
    "os.truncate": (0,),
    "os.link": (1,),
    "os.symlink": (1,),
    "shutil.rmtree": (0,),
}
Bounds = tuple[str, str]  # the store, the folder of the stage
_bounds: list[Bounds] = []  # the innermost last
_watched = False


@contextmanager
def writing_below(folder: Path, store: Path) -> Iterator[None]:
    """Raise PluginError, before it happens, when something else in ``store`` is changed."""
    confine((os.path.realpath(store), os.path.realpath(folder)))
    try:
        yield
    finally:
        _bounds.pop()


def bounds() -> Bounds | None:
    """What this process is confined to, for ``confine`` in a worker."""
    return _bounds[-1] if _bounds else None


def confine(to: Bounds) -> None:
    """Confine the rest of this process."""
    global _watched
    if not _watched:
        sys.addaudithook(_watch)  # it cannot be removed, so it is added once and does little
        _watched = True
    _bounds.append(to)


def _watch(event: str, arguments: tuple[Any, ...]) -> None:
    if not _bounds:
        return
    if event == "open" and arguments[2] & WRITING:
        _check(arguments[:1])
    elif event in CHANGED:
        _check([arguments[index] for index in CHANGED[event]])


def _check(paths: Sequence[Any]) -> None:
    store, folder = _bounds[-1]
    for path in paths:
        if not isinstance(path, str | bytes | os.PathLike):
            continue  # an open file
        real = os.path.realpath(os.fsdecode(path))
        if _below(real, store) and not _below(real, folder):
            raise PluginError(
                f"tried to write {real}; a plugin writes below the folder of its own stage "
                f"(run.folder, here {folder}) and nowhere else in the store"
            )


def _below(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder + os.sep)
