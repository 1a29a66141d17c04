"""The page of a board for each of its targets: who stands where, and how sure that is."""

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from wsss_leaderboard.boards.verification import is_stale
from wsss_leaderboard.comparison.comparison import labels_of
from wsss_leaderboard.ranking.components import components_of, note_of
from wsss_leaderboard.ranking.entries import Board
from wsss_leaderboard.ranking.standings import GAP
from wsss_leaderboard.records import published
from wsss_leaderboard.records.counts import MASKS
from wsss_leaderboard.site.board_table import BoardRow, BoardTable
from wsss_leaderboard.site.names import MINUS, SINGLE, TO, shown, stem
from wsss_leaderboard.site.pages import Pages, minutes, percent, points
from wsss_leaderboard.tables import notes
from wsss_leaderboard.tables.rows import NOTHING

SELF = "self-reported"
STALE = (
    "Stale: the metrics have changed since, so current numbers would differ; the masks can be "
    "scored again."
)


@dataclass(frozen=True)
class Target:
    """A target as pages call it, its key in their data, and the file of its page."""

    name: str
    title: str
    key: str
    file: str


@dataclass(frozen=True)
class BoardColumn:
    """``key`` stands for it in addresses of pages; a ``number`` stands to the right.

    ``of`` is the key of the target of a column that shows another one than the page.
    """

    key: str
    words: str
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


def write_board(pages: Pages, found: BoardTable, pictures: bool) -> None:
    """Write the page of one target of a board."""
    board, targets = found.board, targets_of(found.board)
    here = next(target for target in targets if target.name == found.target)
    pages.write(
        f"{folder_of(board)}/{here.file}",
        "board.html",
        board=board,
        lines=found,
        columns=columns_of(found, [target for target in targets if target != here]),
        targets=targets,
        here=here,
        sorted_by=sorted_by(here),
        measured=measured(board, here.name),
        filters=filters_of(found),
        pictures=pictures,
        protocol=json.dumps(board.protocol.model_dump(mode="json")),
        labels=json.dumps({target.key: shown(target.name) for target in targets if target.name}),
        notes=notes_of(found),
        sources=published.notes_of(line.figure for line in found.all if line.figure),
    )


def folder_of(board: Board) -> str:
    """The folder of a board's pages."""
    data = board.protocol.fingerprint or board.loaded[0].record.data
    return stem(f"{board.dataset} {board.protocol.name} {data}")


def sorted_by(target: Target) -> str:
    return "mIoU of the pseudo-masks" if target.name == MASKS else f"val mIoU of {target.title}"


def measured(board: Board, target: str) -> str:
    """What the figures of a board are measured on, and whether by the metrics of today."""
    stale = f" {STALE}" if any(is_stale(run.record) for run in board.loaded) else ""
    return images_of(board, target) + stale


def images_of(board: Board, target: str) -> str:
    protocol = board.protocol
    kept = (
        f"; {protocol.held_out:,} others are held out to choose a threshold"
        if protocol.held_out
        else ""
    )
    if target == MASKS:
        return f"Masks of {protocol.images:,} train images, scored against the ground truth{kept}."
    trained = [run.record for run in board.loaded if target in labels_of(run.record)]
    start = f"Trained on the pseudo-masks, tested on {protocol.val_images:,} val images."
    return f"{start} {notes.scored(trained)}"


def columns_of(found: BoardTable, others: Iterable[Target]) -> list[BoardColumn]:
    """The columns of a board, without those in which there is nothing."""
    made = [
        BoardColumn("rank", "Rank", lambda line: line.ranks or NOTHING, number=True),
        BoardColumn("group", "Tie group", _group, number=True),
        BoardColumn("method", "Method", lambda line: line.method),
        BoardColumn("miou", "mIoU", lambda line: percent(line.mean), number=True),
        BoardColumn("interval", "95 % interval", lambda line: interval(line) or NOTHING),
        BoardColumn("seeds", "Seeds", lambda x: str(len(x.records)) if x.entry else NOTHING, True),
        BoardColumn("gap", "Gap closed, %", lambda line: percent(line.gap, 0), True),
        *(_other(place, target) for place, target in enumerate(others)),
        BoardColumn("sup", "Sup.", lambda line: line.sup),
        BoardColumn("labels", "Labels at inference", lambda line: line.labels or NOTHING),
        BoardColumn("backbone", "Backbone", lambda line: line.backbone or NOTHING),
        BoardColumn("venue", "Venue", lambda x: x.figure.venue or NOTHING if x.figure else NOTHING),
        BoardColumn(
            "published", "Published", lambda x: x.figure.cell if x.figure else NOTHING, True
        ),
        BoardColumn(
            "difference",
            f"Ours {MINUS}\N{NO-BREAK SPACE}publ.",
            lambda line: points(line.difference),
            number=True,
        ),
        BoardColumn("cost", "Cost, min", lambda line: minutes(line.seconds), number=True),
        BoardColumn("verified", "Verified", _verified),
    ]
    return [one for one in made if any(one.text(line) != NOTHING for line in found.all)]


def _other(place: int, target: Target) -> BoardColumn:
    def text(line: BoardRow) -> str:
        entry = line.others[place]
        return percent(entry.mean) if entry else NOTHING

    return BoardColumn(
        f"t{place}", target.title if target.name else "Masks", text, True, target.key
    )


def _group(line: BoardRow) -> str:
    return str(line.place.group) if line.place and line.place.group else NOTHING


def interval(line: BoardRow) -> str:
    """The ends of the interval of the mean; empty where it is not known."""
    return f"{percent(line.place.low)}{TO}{percent(line.place.high)}" if line.place else ""


def _verified(line: BoardRow) -> str:
    if line.kind == "published":
        return NOTHING
    return f"tier {line.badge.tier}" if line.badge else SELF


def filters_of(found: BoardTable) -> list[tuple[str, str, list[str]]]:
    """What the rows can be filtered by: key of a column, words, and the values that there are."""
    figures = [line.figure for line in found.all if line.figure]
    known = [
        ("sup", "Supervision", _known(line.sup for line in found.all)),
        ("backbone", "Backbone", _known(line.backbone for line in found.all)),
        ("venue", "Year", _known(str(figure.year or "") for figure in figures)),
        ("verified", "Verified", _known(_verified(line) for line in found.all if line.entry)),
    ]
    return [one for one in known if len(one[2]) > 1 or one[0] in ("sup", "verified")]


def _known(values: Iterable[str]) -> list[str]:
    return sorted({value for value in values if value})


def notes_of(found: BoardTable) -> list[str]:
    """What the short words mean, and what a reader must know before comparing two rows."""
    records = [record for line in found.all for record in line.records]
    singles = any(x.place and x.place.single for x in found.of("method"))
    entries = [line.entry for line in found.all if line.entry]
    told = [
        *notes.seeds(records, found.target),
        *found.ranking.notes,
        *([f"{SINGLE} Single run, shown as a hollow dot."] if singles else []),
        *([GAP] if any(line.gap is not None for line in found.all) else []),
        *(note_of(entry) for entry in entries if components_of(entry)),
        notes.SUP,
        *notes.packs(records),
        *notes.chosen(records),
        *notes.weights(records),
        *notes.saliency(records),
    ]
    return list(dict.fromkeys(told))
