"""Digests of files. Those of datasets are cached between processes, since they take gigabytes."""

import json
import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

import platformdirs
import xxhash

from wsss_harness.system.files import write_text

CACHE = "WSSS_CACHE"  # environment variable: the cache folder
FRESH = 2.0  # seconds in which a file may change twice without a new modification time
CHUNK = 1 << 20

Entry = tuple[int, int, str]  # size, modification time in ns and digest of a file


def digest_file(
    path: Path,
    algorithm: Callable[[], Any] = xxhash.xxh3_128,
    progress: Callable[[int, int], None] | None = None,
) -> str:
    """The digest of a file in hexadecimal digits; ``progress`` gets bytes read and in total."""
    digest, total = algorithm(), path.stat().st_size
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            digest.update(chunk)
            if progress:
                progress(file.tell(), total)
    hexadecimal: str = digest.hexdigest()
    return hexadecimal


def digest_once(path: Path) -> str:
    """The digest of a file, which this process reads again only after a change."""
    return _digest_once(path, path.stat().st_mtime_ns)


@cache
def _digest_once(path: Path, modified: int) -> str:
    return digest_file(path)


def digest_files(paths: Sequence[Path], group: str) -> list[str]:
    """The digests of files, which are read again only if size or modification time change.

    Each ``group`` has a cache file of its own. Without a writable cache, all files are read.
    """
    cache_file = cache_folder() / f"digests-{xxhash.xxh3_64_hexdigest(group.encode())}.json"
    cached = _read(cache_file)
    entries = dict(_entries(paths, cached))
    if any(cached.get(path) != entry for path, entry in entries.items()):
        now = time.time_ns()
        settled = {p: entry for p, entry in entries.items() if now - entry[1] > FRESH * 1e9}
        with suppress(OSError):
            write_text(cache_file, json.dumps({**cached, **settled}))
    return [entries[str(path)][2] for path in paths]


def cache_folder() -> Path:
    """The folder of disposable files: $WSSS_CACHE, or wsss-bench in the user's cache folder."""
    chosen = os.environ.get(CACHE)
    return Path(chosen) if chosen else platformdirs.user_cache_path("wsss-bench", appauthor=False)


def _entries(paths: Sequence[Path], cached: dict[str, Entry]) -> Iterator[tuple[str, Entry]]:
    for path in paths:
        name, status = str(path), path.stat()
        entry = cached.get(name)
        if entry is None or entry[:2] != (status.st_size, status.st_mtime_ns):
            entry = (status.st_size, status.st_mtime_ns, digest_file(path))
        yield name, entry


def _read(cache_file: Path) -> dict[str, Entry]:
    """The entries of a cache file; none if it is missing or damaged."""
    try:
        content = json.loads(cache_file.read_text(encoding="utf-8"))
        return {
            path: (int(size), int(modified), str(digest))
            for path, (size, modified, digest) in content.items()
        }
    except (OSError, ValueError, TypeError, AttributeError):
        return {}
