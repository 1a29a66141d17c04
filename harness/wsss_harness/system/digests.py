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

# Size, times in ns at which content and entry of a file changed, and its digest. Tools that copy or
# unpack files set the first time back, but not the second.
Entry = tuple[int, int, int, str]


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
    return _digest_once(path, last_change(path))


@cache
def _digest_once(path: Path, changed: tuple[int, int, int]) -> str:
    return digest_file(path)


def last_change(path: str | Path) -> tuple[int, int, int]:
    """Size of a file, and times in ns at which its content and its entry changed."""
    status = os.stat(path)
    return status.st_size, status.st_mtime_ns, status.st_ctime_ns


def digest_files(paths: Sequence[Path], group: str) -> list[str]:
    """The digests of files, which are read again only if their size or a time of change differ.

    Each ``group`` has a cache file of its own. Without a writable cache, all files are read.
    """
    cache_file = cache_folder() / f"digests-{xxhash.xxh3_64_hexdigest(group.encode())}.json"
    cached = _read(cache_file)
    entries = dict(_entries(paths, cached))
    if any(cached.get(path) != entry for path, entry in entries.items()):
        now = time.time_ns()
        settled = {p: e for p, e in entries.items() if now - max(e[1:3]) > FRESH * 1e9}
        with suppress(OSError):
            write_text(cache_file, json.dumps({**cached, **settled}))
    return [entries[str(path)][-1] for path in paths]


def digest_folder(folder: Path) -> str:
    """A digest of the names and contents of all files below a folder, which may be missing."""
    return digest_together(folder, files_below(folder))


def digest_together(folder: Path, paths: Sequence[Path]) -> str:
    """A digest of the names below a folder and of the contents of files."""
    digest = xxhash.xxh3_128()
    for path, content in zip(paths, digest_files(paths, str(folder.resolve())), strict=True):
        digest.update(f"{path.relative_to(folder).as_posix()} {content}\n".encode())
    return digest.hexdigest()


def files_below(folder: Path, suffix: str = "") -> list[Path]:
    """The files below a folder, in order, whose names end with ``suffix``; no dangling links."""
    return sorted(p for p in _files(folder) if p.name.endswith(suffix) and p.is_file())


def _files(folder: Path) -> Iterator[Path]:
    """The files below a folder; linked folders are followed, but none twice."""
    seen: set[str] = set()
    for parent, folders, names in os.walk(folder, followlinks=True):
        real = os.path.realpath(parent)
        if real in seen:
            folders.clear()
            continue
        seen.add(real)
        yield from (Path(parent, name) for name in names)


def cache_folder() -> Path:
    """The folder of disposable files: $WSSS_CACHE, or wsss-bench in the user's cache folder."""
    chosen = os.environ.get(CACHE)
    return Path(chosen) if chosen else platformdirs.user_cache_path("wsss-bench", appauthor=False)


def _entries(paths: Sequence[Path], cached: dict[str, Entry]) -> Iterator[tuple[str, Entry]]:
    for name in map(str, paths):
        changed = last_change(name)
        entry = cached.get(name)
        if entry is None or entry[:3] != changed:
            entry = (*changed, digest_file(Path(name)))
        yield name, entry


def _read(cache_file: Path) -> dict[str, Entry]:
    """The entries of a cache file; none if it is missing or damaged."""
    try:
        content = json.loads(cache_file.read_text(encoding="utf-8"))
        return {
            path: (int(size), int(written), int(changed), str(digest))
            for path, (size, written, changed, digest) in content.items()
        }
    except (OSError, ValueError, TypeError, AttributeError):
        return {}
