"""The layout of a store: stages in KIND/NAME-KEY, each with a lock next to it, and results."""

import errno
from pathlib import Path

from wsss_harness.contract.errors import StageError

RESULTS = "results"
RECORDS = "records"
RUNNING = "running"
SELECTION = "selection"
REHEARSAL = "rehearsal"
APART = (RESULTS, RUNNING, SELECTION, REHEARSAL)  # folders that hold no stages
LETTERS = 12  # of the key in the name of a folder


def folder_of(root: Path, kind: str, name: str, key: str) -> Path:
    letters = "".join(c if c.isalnum() else "-" for c in name.lower())
    return root / kind / f"{letters}-{short(key)}"


def short(key: str) -> str:
    return key[:LETTERS]


def name_and_key(folder: Path) -> tuple[str, str]:
    """The name and the shortened key in the name of a stage's folder."""
    name, _, key = folder.name.rpartition("-")
    return name, key


def is_stage(folder: Path) -> bool:
    """Whether a folder is named as a stage's, so that nothing else is ever removed."""
    key = name_and_key(folder)[1]
    return len(key) == LETTERS and all(c in "0123456789abcdef" for c in key)


def lock_of(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}.lock")


def create(folder: Path, root: Path) -> None:
    """Create a folder in the store ``root``; StageError if the store is not writable."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        if error.errno not in (errno.EROFS, errno.EACCES, errno.EPERM, errno.ENOTDIR, errno.ENOENT):
            raise
        raise StageError(
            f"the store {root} cannot be written ({error.strerror}); give another --store or "
            "change its permissions"
        ) from None
