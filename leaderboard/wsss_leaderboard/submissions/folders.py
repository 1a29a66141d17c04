"""What a submitted folder may hold: regular files of known names and limited sizes."""

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
MAX_DEPTH = 4  # folders, as in packs/STEM/PACK/masks
STEM = r"\w[\w-]{0,199}"
MAX_BYTES = {  # by pattern of the path
    rf"submission\.json({re.escape(SUFFIX)})?": 4 * MB,
    r"README\.md": 64 * KB,
    r"suite\.json": MB,
    rf"records/{STEM}\.json": MB,
    rf"counts/{STEM}\.npz": 128 * MB,
    rf"logs/{STEM}\.txt": MB,
    rf"packs/{STEM}/{STEM}/{re.escape(PACK)}": 8 * MB,
    rf"packs/{STEM}/{STEM}/masks/[^/]{{1,200}}\.png": 32 * MB,
}
UNPACKED = 128 * MB  # the most that counts may unpack to


def files(folder: Path) -> dict[str, int]:
    """The size of each file in bytes, by its path in the folder, with slashes.

    Raises:
        DataError: A file is not a regular file, has an unexpected name, or is too large.
    """
    if not folder.is_dir():
        raise DataError(f"{folder} is not a folder")
    sizes = dict(_walk(folder, ""))
    for name, size in sizes.items():
        limits = (limit for form, limit in MAX_BYTES.items() if re.fullmatch(form, name))
        limit = next(limits, None)
        if limit is None or not name.isprintable():
            raise DataError(f"{folder}: {name!a} does not belong to a submission; remove it")
        if size > limit:
            raise DataError(f"{folder}: {name!a} has {size} bytes; at most {limit} are accepted")
    return sizes


def _walk(folder: Path, above: str) -> Iterator[tuple[str, int]]:
    with os.scandir(folder) as entries:
        for entry in sorted(entries, key=lambda item: item.name):
            name, status = above + entry.name, entry.stat(follow_symlinks=False)
            if stat.S_ISDIR(status.st_mode) and name.count("/") < MAX_DEPTH:
                yield from _walk(Path(entry.path), f"{name}/")
            elif stat.S_ISREG(status.st_mode):
                yield name, status.st_size
            else:
                raise DataError(
                    f"{folder}: {entry.name!a} is neither a regular file nor a folder (for example "
                    "a link), or it is nested too deeply; remove it"
                )


def refuse_others(folder: Path, present: Collection[str], expected: Collection[str]) -> None:
    """Raise DataError unless the present files are exactly the expected ones."""
    for name in sorted({*present} ^ {*expected}):
        problem = "is missing" if name in expected else "is not listed in it; remove it"
        raise DataError(f"{folder}: {name!a} {problem}")


def refuse_bomb(path: Path) -> None:
    """Raise DataError for a file of counts that would unpack to far more than counts need."""
    try:
        with zipfile.ZipFile(path) as archive:
            size = sum(entry.file_size for entry in archive.infolist())
    except PROBLEMS as error:
        raise DataError(f"{path} is not a file of counts: {error}") from None
    if size > UNPACKED:
        raise DataError(f"{path} unpacks to {size} bytes; at most {UNPACKED} are accepted")
