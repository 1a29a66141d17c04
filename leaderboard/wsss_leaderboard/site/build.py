"""Build the whole site from folders of results."""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import xxhash

from wsss_harness.contract.errors import ConfigError
from wsss_leaderboard.boards import releases, verification
from wsss_leaderboard.boards.releases import RELEASES
from wsss_leaderboard.ranking.entries import Board, LoadedRecord, boards, load, load_file
from wsss_leaderboard.site.board import Target, folder_of, measured, targets_of, write_board
from wsss_leaderboard.site.board_table import BoardTable, board_tables
from wsss_leaderboard.site.cost import write_cost
from wsss_leaderboard.site.coverage import write_coverage
from wsss_leaderboard.site.method import write_compare, write_methods
from wsss_leaderboard.site.pages import Pages
from wsss_leaderboard.site.paper import write_paper
from wsss_leaderboard.site.pictures import Album, write_pictures
from wsss_leaderboard.submissions.manifest import TIERS

STATIC = Path(__file__).with_name("static")
MARK = ".wsss-site"  # marks a folder as a site, which a later build may replace
LATEST = "latest"
LEADERS = 5  # methods of a target on the first page


@dataclass(frozen=True)
class Version:
    """A version of the boards: the latest, or a release, which never changes."""

    name: str
    folder: str
    date: str = ""
    stale: bool = False


@dataclass(frozen=True)
class Site:
    title: str
    version: str
    count: int
    snapshot: str
    here: Version
    versions: Sequence[Version]


def build(folders: Sequence[Path], out: Path, title: str = "WSSS leaderboard") -> list[Path]:
    """Write the pages of all boards of the records in ``folders``; return their files.

    Releases of a board get their own pages, below ``releases``. An older site in ``out`` is
    replaced only once the new one is complete.

    Raises:
        DataError: A folder has no records, or a file is invalid.
        ConfigError: ``out`` holds something other than a site.
    """
    versions = [(Version(LATEST, ""), load(folders)), *releases_of(folders)]
    check_free(out)
    target = out.resolve()
    target.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=f".{target.name}-", dir=target.parent) as scratch:
        new, old = Path(scratch, "new"), Path(scratch, "old")
        written = write_versions(new, versions, folders, title)
        (new / MARK).touch()
        if target.exists():
            target.rename(old)
        new.rename(target)
    return [out / path for path in written]


def write_versions(
    out: Path,
    versions: Sequence[tuple[Version, Sequence[LoadedRecord]]],
    folders: Sequence[Path],
    title: str,
) -> list[Path]:
    """Write the pages of all versions of the boards; return their paths below ``out``."""
    names, written = [here for here, _ in versions], []
    for here, loaded in versions:
        site = Site(title, version("wsss-bench"), len(loaded), snapshot_of(loaded), here, names)
        pages = Pages(out / here.folder, site=site)
        write_all(pages, loaded, folders)
        written += [Path(here.folder, path) for path in pages.written]
    return written


def write_all(pages: Pages, loaded: Sequence[LoadedRecord], folders: Sequence[Path]) -> None:
    for file in STATIC.iterdir():
        pages.copy(file, f"static/{file.name}")
    badges = {run.path: verification.badge(run.path) for run in loaded}
    all_tables = [board_tables(board, badges) for board in boards(loaded)]
    for tables in all_tables:
        album = Album(tables[0].board, folders)
        for table in tables:
            write_board(pages, table, pictures=bool(album.about))
        write_methods(pages, tables)
        write_compare(pages, tables)
        write_cost(pages, tables)
        write_pictures(pages, tables[0], album)
    write_paper(pages, all_tables)
    write_coverage(pages, all_tables)
    pages.write("reading.html", "reading.html", tiers=TIERS)
    pages.write("submitting.html", "submitting.html")
    pages.write("index.html", "home.html", summaries=list(map(summary, all_tables)))


def releases_of(folders: Sequence[Path]) -> list[tuple[Version, tuple[LoadedRecord, ...]]]:
    """The releases of the boards in the folders, newest first, with their records."""
    versions = []
    for board in folders:
        for path in sorted((board / RELEASES).glob("*.json")):
            release = releases.read(path)
            runs = tuple(map(load_file, releases.paths(board, release.name)))
            folder = f"{RELEASES}/{release.name}"
            versions.append((Version(release.name, folder, release.date, release.stale), runs))
    return sorted(versions, key=lambda item: (item[0].date, item[0].name), reverse=True)


def check_free(out: Path) -> None:
    """Raise ConfigError if a folder holds anything other than a site."""
    if out.exists() and any(out.iterdir()) and not (out / MARK).is_file():
        raise ConfigError(
            f"{out} is not empty and holds no site that `wsss leaderboard build` made; give an "
            "empty folder, or one that does not exist"
        )


def snapshot_of(loaded: Sequence[LoadedRecord]) -> str:
    """A digest of all records, independent of their order; exports name it."""
    digests = sorted(xxhash.xxh3_64_hexdigest(run.path.read_bytes()) for run in loaded)
    return xxhash.xxh3_64_hexdigest("".join(digests).encode())[:10]


def summary(tables: Sequence[BoardTable]) -> dict[str, Any]:
    """A board on the first page: the first tie group of each target."""
    board: Board = tables[0].board
    return {
        "board": board,
        "folder": folder_of(board),
        "description": f"{len(board.methods)} rows. {measured(board, tables[0].target)}",
        "targets": list(map(leaders, targets_of(board), tables)),
    }


def leaders(target: Target, table: BoardTable) -> dict[str, Any]:
    methods = table.of_kind("method")
    tied = [row for row in methods if row.place and row.place.group == 1]
    best = tied or [row for row in methods if row.mean is not None]
    return {
        "title": target.title,
        "file": target.file,
        "lead": table.lead,
        "leaders": best[:LEADERS],
        "more": max(0, len(tied) - LEADERS),
    }
