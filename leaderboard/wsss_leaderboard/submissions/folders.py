"""What may lie in a submitted folder: plain files of known names and sizes, and nothing else."""

import os
import re
import stat
import zipfile
from collections.abc import Collection, Iterator
from pathlib import Path

from wsss_harness.contract.errors import DataError
from wsss_harness.packs.manifest import MANIFEST as PACK
from wsss_leaderboard.records.counts import PROBLEMS
from wsss_leaderboard.submissions.signatures import SUFFIX

KB, MB = 2**10, 2**20
DEEP = 4  # folders, as packs/STEM/PACK/masks
STEM = r"\w[\w-]{0,199}"
MOST = {  # bytes of each kind of file
    rf"submission\.json({re.escape(SUFFIX)})?": 4 * MB,
    r"README\.md": 64 * KB,
    r"suite\.json": MB,
    rf"records/{STEM}\.json": MB,
    rf"counts/{STEM}\.npz": 128 * MB,
    rf"logs/{STEM}\.txt": MB,
    rf"packs/{STEM}/{STEM}/{re.escape(PACK)}": 8 * MB,
    rf"packs/{STEM}/{STEM}/masks/[^/]{{1,200}}\.png": 32 * MB,
}
UNPACKED = 128 * MB  # of counts


def files(folder: Path) -> dict[str, int]:
    """The bytes of each file by its path in the folder, with slashes.

    Raises:
        DataError: one of them is no plain file, has a name that is not expected, or is too large.
    """
    if not folder.is_dir():
        raise DataError(f"{folder} is not a folder")
    found = dict(_walk(folder, ""))
    for name, size in found.items():
        most = next((most for form, most in MOST.items() if re.fullmatch(form, name)), None)
        if most is None or not name.isprintable():
            raise DataError(f"{folder}: {name!a} is no file of a submission; take it out")
        if size > most:
            raise DataError(f"{folder}: {name!a} has {size} bytes; at most {most} are accepted")
    return found


def _walk(folder: Path, above: str) -> Iterator[tuple[str, int]]:
    with os.scandir(folder) as entries:
        for entry in sorted(entries, key=lambda one: one.name):
            name, status = above + entry.name, entry.stat(follow_symlinks=False)
            if stat.S_ISDIR(status.st_mode) and name.count("/") < DEEP:
                yield from _walk(Path(entry.path), f"{name}/")
            elif stat.S_ISREG(status.st_mode):
                yield name, status.st_size
            else:
                raise DataError(
                    f"{folder}: {entry.name!a} is neither a plain file nor a folder, as a link to "
                    "elsewhere, or it lies too deep; it is refused"
                )


def refuse_others(folder: Path, found: Collection[str], named: Collection[str]) -> None:
    """DataError unless the files that were found are those that the folder itself names."""
    for name in sorted({*found} ^ {*named}):
        what = "is missing" if name in named else "is named nowhere in it; take it out"
        raise DataError(f"{folder}: {name!a} {what}")


def refuse_bomb(path: Path) -> None:
    """DataError for a file of counts that says that it unpacks to far more than counts need."""
    try:
        with zipfile.ZipFile(path) as archive:
            size = sum(entry.file_size for entry in archive.infolist())
    except PROBLEMS as error:
        raise DataError(f"{path} is no file of counts: {error}") from None
    if size > UNPACKED:
        raise DataError(f"{path} unpacks to {size} bytes; at most {UNPACKED} are accepted")
