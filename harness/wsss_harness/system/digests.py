"""Digests of many files, remembered from process to process, since a dataset has gigabytes."""

import json
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

import xxhash

from wsss_harness.system import files

CACHE = "WSSS_CACHE"  # the variable that names the folder of what is remembered
FRESH = 2.0  # seconds in which a file may change again without another time of change

Known = dict[str, tuple[int, int, str]]  # size, time of change and digest by path


def of_files(paths: Sequence[Path], group: str) -> list[str]:
    """The digest of the content of each file.

    A file is read again when its size or its time of change is another one. What is known of a
    ``group`` of files lies in one file of the user's cache; without a place for it all are read.
    """
    place = cache() / f"digests-{xxhash.xxh3_64_hexdigest(group.encode())}.json"
    known = _read(place)
    found = dict(_digests(paths, known))
    if any(known.get(path) != entry for path, entry in found.items()):
        now = time.time_ns()
        settled = {p: e for p, e in found.items() if now - e[1] > FRESH * 1e9}
        with suppress(OSError):
            files.write_text(place, json.dumps({**known, **settled}))
    return [found[str(path)][2] for path in paths]


def cache() -> Path:
    """The folder of what may be forgotten: WSSS_CACHE, or wsss-bench in the user's cache."""
    if chosen := os.environ.get(CACHE):
        return Path(chosen)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "wsss-bench"


def _digests(paths: Sequence[Path], known: Known) -> Iterator[tuple[str, tuple[int, int, str]]]:
    for path in paths:
        name, status = str(path), path.stat()
        entry = known.get(name)
        if entry is None or entry[:2] != (status.st_size, status.st_mtime_ns):
            digest = xxhash.xxh3_128_hexdigest(path.read_bytes())
            entry = (status.st_size, status.st_mtime_ns, digest)
        yield name, entry


def _read(place: Path) -> Known:
    """What is known; nothing, where the file is missing or is not ours."""
    try:
        content = json.loads(place.read_text(encoding="utf-8"))
        return {
            path: (int(size), int(time), str(digest))
            for path, (size, time, digest) in content.items()
        }
    except (OSError, ValueError, TypeError, AttributeError):
        return {}
