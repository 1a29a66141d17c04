"""The page of pictures: images, ground truth, and masks of a board's rows with their errors."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from wsss_leaderboard.figures import examples, ink
from wsss_leaderboard.figures.examples import CAUSE_COLOURS, EXAMPLES, Examples, Shown
from wsss_leaderboard.ranking.entries import Board
from wsss_leaderboard.site.board import folder_of
from wsss_leaderboard.site.board_table import BoardTable
from wsss_leaderboard.site.pages import Pages, stem

FIRST = 2  # rows shown before the reader chooses
PICTURES = "pictures"


class Album:
    """Examples of one board, from all folders with examples of the same images."""

    def __init__(self, board: Board, folders: Iterable[Path]) -> None:
        self.rows: dict[str, Shown] = {}
        self.files: list[Path] = []
        self.about: Examples | None = None
        for folder in folders:
            candidate = examples.read(folder)
            if candidate is None or candidate.fingerprint != board.protocol.fingerprint:
                continue
            if self.about is None or self.about.ids == candidate.ids:
                self._add(candidate, folder / EXAMPLES)

    def _add(self, candidate: Examples, folder: Path) -> None:
        if self.about is None:
            self.about = candidate
            self.files += [folder / candidate.images, folder / candidate.truth]
        for method, row in candidate.rows.items():
            if method not in self.rows:
                self.rows[method] = row
                self.files += [folder / row.masks, folder / row.causes]


def write_pictures(pages: Pages, table: BoardTable, album: Album) -> None:
    """Write the page and copy its sheets of tiles; do nothing without examples."""
    if album.about is None:
        return
    folder = folder_of(table.board)
    for file in album.files:
        pages.copy(file, f"{folder}/{PICTURES}/{file.name}")
    methods = [row.method for _, rows in table.groups for row in rows]
    rows = [(method, album.rows[method]) for method in methods if method in album.rows]
    pages.write(
        f"{folder}/pictures.html",
        "pictures.html",
        board=table.board,
        about=album.about,
        folder=PICTURES,
        high=-(-len(album.about.ids) // album.about.columns),
        rows=rows,
        first=rows[:FIRST],
        colours=list(zip(album.about.classes, map(_css, ink.class_colours()[1:]), strict=False)),
        causes=[(cause, _css(colour)) for cause, colour in CAUSE_COLOURS.items()],
    )
    pages.write_data(f"{folder}/data/pictures.js", "pictures", dict(map(_row, rows)))


def _row(row: tuple[str, Shown]) -> tuple[str, dict[str, Any]]:
    method, shown = row
    wrong = [round(share, 4) for share in shown.wrong]
    return stem(method), {"masks": shown.masks, "causes": shown.causes, "wrong": wrong}


def _css(colour: Iterable[int]) -> str:
    return "#" + "".join(f"{int(part):02x}" for part in colour)
