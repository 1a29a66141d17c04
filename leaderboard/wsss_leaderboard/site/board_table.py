"""What a board shows of each entry, and of methods of which only a published figure is known."""

import statistics
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from wsss_leaderboard.boards import verification
from wsss_leaderboard.boards.verification import Verification
from wsss_leaderboard.ranking.entries import Board, Entry, Kind, LoadedRecord
from wsss_leaderboard.ranking.ranking import Place, Ranking, rank
from wsss_leaderboard.ranking.standings import gaps_of
from wsss_leaderboard.records.counts import MASKS
from wsss_leaderboard.records.published import Figure, published
from wsss_leaderboard.records.record import Record
from wsss_leaderboard.records.scores import Score
from wsss_leaderboard.site.names import TO

STEP = 0.05  # ends of axes are multiples of it


@dataclass(frozen=True, eq=False)
class BoardRow:
    """A row of a board; one that was not measured here has a figure and no entry.

    ``others``: the same runs on the other targets, in their order, None where it does not aim.
    """

    method: str
    kind: Kind
    sup: str
    entry: Entry | None = None
    place: Place | None = None
    others: tuple[Entry | None, ...] = ()
    gap: float | None = None
    figure: Figure | None = None
    badge: Verification | None = None

    @property
    def mean(self) -> float | None:
        return self.entry.mean if self.entry else None

    @property
    def records(self) -> tuple[Record, ...]:
        return self.entry.records if self.entry else ()

    @property
    def ranks(self) -> str:
        """The rank interval; empty for what has none."""
        return self.place.ranks.replace("-", TO) if self.place and self.place.best else ""

    @property
    def backbone(self) -> str:
        if self.records:
            return backbone_of(self.records[0])
        return self.figure.backbone if self.figure else ""

    @property
    def labels(self) -> str:
        """Whether image labels are used at inference; empty where that is not known or asked."""
        if not self.records or self.sup == "F." or self.records[0].supervision.stated:
            return ""
        return "yes" if self.records[0].supervision.labels_at_inference else "no"

    @property
    def difference(self) -> float | None:
        """From the published figure to ours, a fraction."""
        if self.figure is None or self.mean is None:
            return None
        return self.mean - self.figure.value / 100

    @property
    def seconds(self) -> float | None:
        """Of a run, on average."""
        known = [r.seconds for r in self.records if r.seconds is not None]
        return statistics.fmean(known) if known else None

    @property
    def order(self) -> tuple[bool, float, str]:
        """The best first, what has no mean last."""
        value = self.mean if self.entry else self.figure.value if self.figure else None
        return value is None, -(value or 0), self.method


@dataclass(frozen=True, eq=False)
class BoardTable:
    """All lines of a board for one target."""

    board: Board
    target: str
    ranking: Ranking
    all: tuple[BoardRow, ...]

    def of(self, *kinds: Kind) -> list[BoardRow]:
        return sorted((x for x in self.all if x.kind in kinds), key=lambda line: line.order)

    @cached_property
    def groups(self) -> list[tuple[str, list[BoardRow]]]:
        """The lines in the order of the board: methods, what has no rank, what others published."""
        named = [
            ("method", self.of("method")),
            ("reference", self.of("bound", "control")),
            ("published", self.of("published")),
        ]
        return [(name, lines) for name, lines in named if lines]

    @cached_property
    def scale(self) -> tuple[float, float]:
        """The ends of the axis on which intervals are drawn."""
        ends = [end for x in self.all if x.place for end in (x.place.low, x.place.high)]
        low, high = min(ends, default=0.0), max(ends, default=1.0)
        return max(0.0, low // STEP * STEP), min(1.0, -(-high // STEP) * STEP)

    def along(self, value: float) -> float:
        """Where a value lies on that axis, in percent of its length; ends beyond it are cut."""
        low, high = self.scale
        return min(max(100 * (value - low) / ((high - low) or 1), 0), 100)


def board_tables(board: Board, badges: dict[Path, Verification | None]) -> list[BoardTable]:
    """The lines of a board for each of its targets; ``badges`` are those of its files."""
    entries = {target: board.entries(target) for target in board.targets}
    return [_lines(board, target, entries, badges) for target in entries]


def _lines(
    board: Board,
    target: str,
    entries: Mapping[str, Sequence[Entry]],
    badges: dict[Path, Verification | None],
) -> BoardTable:
    here = entries[target]
    ranking, gaps = rank(here), gaps_of(board, target, here)
    others = [{e.method: e for e in entries[name]} for name in entries if name != target]
    made = [
        BoardRow(
            entry.method,
            entry.kind,
            entry.records[0].sup,
            entry,
            place,
            tuple(found.get(entry.method) for found in others),
            gap,
            figure_of(entry),
            badge_of(entry.runs, badges),
        )
        for entry, place, gap in zip(here, ranking.places, gaps, strict=True)
    ]
    made += _published(board, target, {line.method for line in made}, len(others))
    return BoardTable(board, target, ranking, tuple(made))


def _published(board: Board, target: str, known: Collection[str], others: int) -> list[BoardRow]:
    """BoardTable of methods that were not measured here."""
    return [
        BoardRow(figure.method, "published", figure.sup, others=(None,) * others, figure=figure)
        for figure in figures_on(board, target)
        if figure.kind == "published" and figure.method not in known
    ]


def figure_of(entry: Entry) -> Figure | None:
    """What was published for a row of this name and measured alike."""
    finished = (run.record for run in entry.runs if run.score(entry.target))
    record = next(finished, None)
    return published().beside(record, entry.target) if record else None


def images_of(record: Record, target: str) -> int:
    """How many images a target was scored on."""
    return record.protocol.images if target == MASKS else record.protocol.val_images


def figures_on(board: Board, target: str) -> list[Figure]:
    """Figures for one target on the classes and images of a board."""
    score = next((s for run in board.loaded if (s := run.score(target))), None)
    if score is None:
        return []
    images = images_of(board.loaded[0].record, target)
    return [f for f in published().figures if f.segmentor == target and _fits(f, score, images)]


def _fits(figure: Figure, score: Score, images: int) -> bool:
    return published().fits(figure, set(score.iou) - {"background"}, images)


def badges_of(loaded: Sequence[LoadedRecord]) -> dict[Path, Verification | None]:
    """The highest tier that each record has passed, by its file."""
    return {run.path: verification.badge(run.path) for run in loaded}


def badge_of(
    runs: Sequence[LoadedRecord], badges: dict[Path, Verification | None]
) -> Verification | None:
    """The highest tier that all runs have passed; None if one has passed none."""
    passed = [badge for run in runs if (badge := badges[run.path])]
    return min(passed, key=lambda one: one.tier) if len(passed) == len(runs) else None


def backbone_of(record: Record) -> str:
    """The network of the first stage that trains one."""
    networks = (step.options.get("backbone") for step in record.steps)
    first = next(filter(None, networks), None)
    if not isinstance(first, dict):
        return str(first or "")
    return " ".join(str(first[key]) for key in ("name", "depth") if key in first)
