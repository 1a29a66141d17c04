"""The whole site, from folders of results."""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import xxhash

from wsss_harness.errors import ConfigError
from wsss_leaderboard.entries import Board, boards, load
from wsss_leaderboard.site.board import Target, folder_of, measured, targets_of, write_board
from wsss_leaderboard.site.compare import write_compare
from wsss_leaderboard.site.lines import Line, Lines, badges_of, lines_of
from wsss_leaderboard.site.method import write_methods
from wsss_leaderboard.site.pages import Pages
from wsss_leaderboard.site.pictures import Album, write_pictures

STATIC = Path(__file__).with_name("static")
MARK = ".wsss-site"  # the file that tells a site from other folders
LEADERS = 5  # of a board on the first page
NAV = (("index.html", "Boards"),)


@dataclass(frozen=True)
class Site:
    """What every page says of the whole."""

    title: str
    version: str
    count: int
    snapshot: str
    nav: Sequence[tuple[str, str]] = NAV


def build(folders: Sequence[Path], out: Path, title: str = "WSSS leaderboard") -> Pages:
    """Write the pages of all boards that the records below ``folders`` make.

    Raises:
        DataError: a folder has no records, or a file is not what it should be.
        ConfigError: ``out`` holds something else than such a site.
    """
    loaded = load(folders)
    clear(out)
    site = Site(title, version("wsss-bench"), len(loaded), snapshot_of([r.path for r in loaded]))
    pages = Pages(out, site=site)
    pages.copy(sorted(STATIC.iterdir()), "static")
    badges = badges_of(loaded)
    made = [
        (board, [lines_of(board, t, badges) for t in board.targets]) for board in boards(loaded)
    ]
    for board, each in made:
        album = Album(board, folders)
        for found in each:
            write_board(pages, found, pictures=bool(album.about))
        write_pictures(pages, each[0], album)
        write_methods(pages, each)
        write_compare(pages, each)
    pages.write("index.html", "home.html", summaries=[summary(*one) for one in made])
    return pages


def clear(out: Path) -> None:
    """Remove the site that a folder holds; ConfigError if it holds anything else."""
    if out.exists() and any(out.iterdir()) and not (out / MARK).is_file():
        raise ConfigError(
            f"{out} is not empty and holds no site that `wsss leaderboard build` made; give an "
            "empty folder, or one that does not exist"
        )
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    (out / MARK).touch()


def snapshot_of(records: Sequence[Path]) -> str:
    """A digest of all records, whatever their order: what an export was made from."""
    digests = sorted(xxhash.xxh3_64_hexdigest(path.read_bytes()) for path in records)
    return xxhash.xxh3_64_hexdigest("".join(digests).encode())[:10]


def summary(board: Board, each: Sequence[Lines]) -> dict[str, Any]:
    """A board on the first page: the first tie group of each target."""
    return {
        "board": board,
        "folder": folder_of(board),
        "words": f"{len(board.methods)} rows. {measured(board, each[0].target)}",
        "targets": [leaders(t, found) for t, found in zip(targets_of(board), each, strict=True)],
    }


def leaders(target: Target, found: Lines) -> dict[str, Any]:
    methods = found.of("method")
    tied: list[Line] = [line for line in methods if line.place and line.place.group == 1]
    best = tied or [line for line in methods if line.mean is not None]
    return {
        "title": target.title,
        "file": target.file,
        "leaders": best[:LEADERS],
        "more": max(0, len(tied) - LEADERS),
    }
