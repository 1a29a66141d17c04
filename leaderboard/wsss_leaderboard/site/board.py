"""The pages of a board, one for each target: ranks, means and intervals of its rows."""

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from wsss_harness.suite.presence import UNSCORED
from wsss_leaderboard.boards.verification import is_stale
from wsss_leaderboard.comparison.comparison import labels_of
from wsss_leaderboard.ranking.components import components_of, note_of
from wsss_leaderboard.ranking.entries import Board
from wsss_leaderboard.ranking.standings import GAP
from wsss_leaderboard.records import published
from wsss_leaderboard.records.counts import MASKS
from wsss_leaderboard.site.board_table import BoardRow, BoardTable
from wsss_leaderboard.site.pages import (
    MINUS,
    SINGLE,
    TO,
    Pages,
    mebibytes,
    minutes,
    points,
    shown,
    stem,
)
from wsss_leaderboard.tables import notes
from wsss_leaderboard.tables.table import NOTHING, percent

SELF = "self-reported"
STALE = (
    "Stale: the metrics have changed since, so current numbers would differ; the masks can be "
    "scored again."
)


@dataclass(frozen=True)
class Target:
    """A target: its name in records, title on pages, key in their data, and file of its page."""

    name: str
    title: str
    key: str
    file: str


@dataclass(frozen=True)
class BoardColumn:
    """A column of the board.

    ``key`` names it in addresses of pages. A ``number`` is aligned to the right. ``of``: the key
    of its target, if that is not the target of the page.
    """

    key: str
    title: str
    text: Callable[[BoardRow], str]
    number: bool = False
    of: str | None = None


def targets_of(board: Board) -> list[Target]:
    masks = Target(MASKS, "Pseudo-masks", "masks", "index.html")
    labels = [name for name in board.targets if name != MASKS]
    return [
        masks,
        *(Target(label, shown(label, 24), stem(label), f"{stem(label)}.html") for label in labels),
    ]


def write_board(pages: Pages, table: BoardTable, pictures: bool) -> None:
    board, targets = table.board, targets_of(table.board)
    here = next(target for target in targets if target.name == table.target)
    pages.write(
        f"{folder_of(board)}/{here.file}",
        "board.html",
        board=board,
        table=table,
        columns=columns_of(table, [target for target in targets if target != here]),
        targets=targets,
        here=here,
        sorted_by=f"val mIoU of {here.title}" if here.name else "mIoU of the pseudo-masks",
        measured=measured(board, here.name),
        lead=table.lead,
        filters=filters_of(table),
        pictures=pictures,
        protocol=json.dumps(board.protocol.model_dump(mode="json")),
        labels=json.dumps({target.key: shown(target.name) for target in targets if target.name}),
        notes=notes_of(table),
        sources=published.notes_of(row.figure for row in table.rows if row.figure),
    )


def folder_of(board: Board) -> str:
    data = board.protocol.fingerprint or board.loaded[0].record.data
    return stem(f"{board.dataset} {board.protocol.name} {data}")


def measured(board: Board, target: str) -> str:
    """What the figures of a board were measured on, and whether the metrics have changed since."""
    stale = f" {STALE}" if any(is_stale(run.record) for run in board.loaded) else ""
    return images_of(board, target) + stale


def images_of(board: Board, target: str) -> str:
    protocol = board.protocol
    if target == MASKS and not protocol.images:
        return UNSCORED
    if target == MASKS:
        held_out = protocol.held_out
        images = f"Masks of {protocol.images:,} train images, scored against the ground truth"
        return images + (f"; {held_out:,} others choose a threshold." if held_out else ".")
    trained = [run.record for run in board.loaded if target in labels_of(run.record)]
    start = f"Trained on the pseudo-masks, tested on {protocol.val_images:,} val images."
    return f"{start} {notes.scored(trained)}"


def columns_of(table: BoardTable, others: Iterable[Target]) -> list[BoardColumn]:
    """The columns of a board, without empty ones."""
    columns = [
        BoardColumn("rank", "Rank", lambda row: row.ranks or NOTHING, number=True),
        BoardColumn("group", "Tie group", lambda row: row.group or NOTHING, number=True),
        BoardColumn("method", "Method", lambda row: row.method),
        BoardColumn("miou", "mIoU", lambda row: percent(row.mean), number=True),
        BoardColumn("interval", "95 % interval", lambda row: interval(row) or NOTHING),
        BoardColumn("seeds", "Seeds", lambda row: str(len(row.records) or NOTHING), number=True),
        BoardColumn("draws", "Draws", _draws(table), number=True),
        BoardColumn("gap", "Gap closed, %", lambda row: percent(row.gap, 0), True),
        *(_other(place, target) for place, target in enumerate(others)),
        BoardColumn("sup", "Sup.", lambda row: row.sup),
        BoardColumn("labels", "Labels at inference", lambda row: row.labels or NOTHING),
        BoardColumn("backbone", "Backbone", lambda row: row.backbone or NOTHING),
        BoardColumn("venue", "Venue", lambda row: (row.figure and row.figure.venue) or NOTHING),
        BoardColumn(
            "published", "Published", lambda row: row.figure.cell if row.figure else NOTHING, True
        ),
        BoardColumn(
            "difference",
            f"Ours {MINUS}\N{NO-BREAK SPACE}publ.",
            lambda row: points(row.difference),
            number=True,
        ),
        BoardColumn("cpu", "CPU, min", lambda row: minutes(row.cpu_seconds), number=True),
        BoardColumn("gpu", "GPU, min", lambda row: minutes(row.gpu_seconds), number=True),
        BoardColumn("memory", "Memory, MiB", lambda row: mebibytes(row.peak_memory), number=True),
        BoardColumn("verified", "Verified", _verified),
    ]
    return [c for c in columns if any(c.text(row) != NOTHING for row in table.rows)]


def _draws(table: BoardTable) -> Callable[[BoardRow], str]:
    """The number of draws of a row, if some row has fewer than runs."""
    fewer = any(row.draws < len(row.records) for row in table.rows)
    return lambda row: str(row.draws) if fewer and row.draws else NOTHING


def _other(place: int, target: Target) -> BoardColumn:
    def text(row: BoardRow) -> str:
        entry = row.others[place]
        return percent(entry.mean) if entry else NOTHING

    return BoardColumn(
        f"t{place}", target.title if target.name else "Masks", text, True, target.key
    )


def interval(row: BoardRow) -> str:
    """The ends of the interval of the mean; empty without one."""
    return f"{percent(row.place.low)}{TO}{percent(row.place.high)}" if row.place else ""


def _verified(row: BoardRow) -> str:
    if row.kind == "published":
        return NOTHING
    return f"tier {row.badge.tier}" if row.badge else SELF


def filters_of(table: BoardTable) -> list[tuple[str, str, list[str]]]:
    """Filters of a board: key of a column, label, and the values to choose from."""
    figures = [row.figure for row in table.rows if row.figure]
    filters = [
        ("sup", "Supervision", _distinct(row.sup for row in table.rows)),
        ("backbone", "Backbone", _distinct(row.backbone for row in table.rows)),
        ("venue", "Year", _distinct(str(figure.year or "") for figure in figures)),
        ("verified", "Verified", _distinct(_verified(row) for row in table.rows if row.entry)),
    ]
    return [entry for entry in filters if len(entry[2]) > 1 or entry[0] in ("sup", "verified")]


def _distinct(values: Iterable[str]) -> list[str]:
    return sorted({value for value in values if value})


def notes_of(table: BoardTable) -> list[str]:
    """Notes that explain abbreviations, and what to know before comparing two rows."""
    records = [record for row in table.rows for record in row.records]
    singles = any(row.place and row.place.single for row in table.of_kind("method"))
    entries = [row.entry for row in table.rows if row.entry]
    lines = [
        *notes.seeds(records, table.target),
        *table.ranking.notes,
        *([f"{SINGLE} Single draw, shown as a hollow dot."] if singles else []),
        *([GAP] if any(row.gap is not None for row in table.rows) else []),
        *(note_of(entry) for entry in entries if components_of(entry)),
        *notes.sup(row.sup for row in table.rows),
        *notes.packs(records),
        *notes.named_by_hand(records),
        *notes.chosen(records),
        *notes.weights(records),
        *notes.saliency(records),
    ]
    return list(dict.fromkeys(lines))
