"""The whole site, from folders of results."""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import xxhash

from wsss_harness.contract.errors import ConfigError
from wsss_leaderboard.boards import releases
from wsss_leaderboard.boards.releases import RELEASES
from wsss_leaderboard.ranking.entries import Board, LoadedRecord, boards, load, load_file
from wsss_leaderboard.site.board import Target, folder_of, measured, targets_of, write_board
from wsss_leaderboard.site.board_table import BoardTable, badges_of, board_tables
from wsss_leaderboard.site.compare import write_compare
from wsss_leaderboard.site.coverage import write_coverage
from wsss_leaderboard.site.guides import write_guides
from wsss_leaderboard.site.method import write_methods
from wsss_leaderboard.site.pages import Pages
from wsss_leaderboard.site.paper import write_paper
from wsss_leaderboard.site.pictures import Album, write_pictures

STATIC = Path(__file__).with_name("static")
MARK = ".wsss-site"  # the file that tells a site from other folders
LATEST = "latest"
LEADERS = 5  # of a board on the first page
NAV = (
    ("index.html", "Boards"),
    ("paper.html", "Paper and ours"),
    ("coverage.html", "Coverage"),
    ("reading.html", "How to read"),
    ("submitting.html", "Submit"),
)


@dataclass(frozen=True)
class Version:
    """A version of the board: the latest one, or a release, which never changes."""

    name: str
    folder: str
    date: str = ""
    stale: bool = False


@dataclass(frozen=True)
class Site:
    """What every page says of the whole."""

    title: str
    version: str
    count: int
    snapshot: str
    here: Version
    versions: Sequence[Version]
    nav: Sequence[tuple[str, str]] = NAV


def build(folders: Sequence[Path], out: Path, title: str = "WSSS leaderboard") -> list[Path]:
    """Write the pages of all boards that the records below ``folders`` make; gives their files.

    Releases of a board get pages of their own, below ``releases``. An older site in ``out`` gives
    way only once the new one is whole.

    Raises:
        DataError: a folder has no records, or a file is not what it should be.
        ConfigError: ``out`` holds something else than such a site.
    """
    frozen = releases_of(folders)
    editions = [(Version(LATEST, ""), load(folders)), *frozen]
    check_free(out)
    place = out.resolve()
    place.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=f".{place.name}-", dir=place.parent) as scratch:
        new, old = Path(scratch, "new"), Path(scratch, "old")
        written = write_editions(new, editions, folders, title)
        (new / MARK).touch()
        if place.exists():
            place.rename(old)
        new.rename(place)
    return [out / path for path in written]


def write_editions(
    out: Path,
    editions: Sequence[tuple[Version, Sequence[LoadedRecord]]],
    folders: Sequence[Path],
    title: str,
) -> list[Path]:
    """Write the pages of all versions of the board; gives their places below ``out``."""
    versions, written = [here for here, _ in editions], []
    for here, loaded in editions:
        site = Site(title, version("wsss-bench"), len(loaded), snapshot_of(loaded), here, versions)
        pages = Pages(out / here.folder, site=site)
        write_all(pages, loaded, folders)
        written += [Path(here.folder, path) for path in pages.written]
    return written


def write_all(pages: Pages, loaded: Sequence[LoadedRecord], folders: Sequence[Path]) -> None:
    """Write all pages of one version of the board."""
    for file in STATIC.iterdir():
        pages.copy(file, f"static/{file.name}")
    badges = badges_of(loaded)
    made = [board_tables(board, badges) for board in boards(loaded)]
    for each in made:
        album = Album(each[0].board, folders)
        for found in each:
            write_board(pages, found, pictures=bool(album.about))
        write_methods(pages, each)
        write_compare(pages, each)
        write_pictures(pages, each[0], album)
    write_paper(pages, made)
    write_coverage(pages, made)
    write_guides(pages)
    pages.write("index.html", "home.html", summaries=[summary(each) for each in made])


def releases_of(folders: Sequence[Path]) -> list[tuple[Version, tuple[LoadedRecord, ...]]]:
    """The releases of the boards among the folders, the newest first, with their records."""
    found = []
    for board in folders:
        for path in sorted((board / RELEASES).glob("*.json")):
            release = releases.read(path)
            runs = tuple(map(load_file, releases.paths(board, release.name)))
            folder = f"{RELEASES}/{release.name}"
            found.append((Version(release.name, folder, release.date, release.stale), runs))
    return sorted(found, key=lambda one: (one[0].date, one[0].name), reverse=True)


def check_free(out: Path) -> None:
    """Raise ConfigError if a folder holds anything else than a site."""
    if out.exists() and any(out.iterdir()) and not (out / MARK).is_file():
        raise ConfigError(
            f"{out} is not empty and holds no site that `wsss leaderboard build` made; give an "
            "empty folder, or one that does not exist"
        )


def snapshot_of(loaded: Sequence[LoadedRecord]) -> str:
    """A digest of all records, whatever their order: what an export was made from."""
    digests = sorted(xxhash.xxh3_64_hexdigest(run.path.read_bytes()) for run in loaded)
    return xxhash.xxh3_64_hexdigest("".join(digests).encode())[:10]


def summary(each: Sequence[BoardTable]) -> dict[str, Any]:
    """A board on the first page: the first tie group of each target."""
    board: Board = each[0].board
    return {
        "board": board,
        "folder": folder_of(board),
        "words": f"{len(board.methods)} rows. {measured(board, each[0].target)}",
        "targets": [leaders(t, found) for t, found in zip(targets_of(board), each, strict=True)],
    }


def leaders(target: Target, found: BoardTable) -> dict[str, Any]:
    methods = found.of("method")
    tied = [line for line in methods if line.place and line.place.group == 1]
    best = tied or [line for line in methods if line.mean is not None]
    return {
        "title": target.title,
        "file": target.file,
        "leaders": best[:LEADERS],
        "more": max(0, len(tied) - LEADERS),
    }
