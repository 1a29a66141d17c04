"""The rows of a board: measured methods, and methods known only by a published figure."""

import statistics
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from wsss_leaderboard.boards.verification import Verification
from wsss_leaderboard.ranking.entries import Board, Entry, Kind, LoadedRecord
from wsss_leaderboard.ranking.ranking import Differences, Place, Ranking, differences, rank
from wsss_leaderboard.ranking.standings import gaps_of
from wsss_leaderboard.records.counts import MASKS
from wsss_leaderboard.records.published import Figure, published
from wsss_leaderboard.records.record import Record
from wsss_leaderboard.records.repetition import draws_of
from wsss_leaderboard.site.pages import TO
from wsss_leaderboard.tables.lead import lead_of

STEP = 0.05  # ends of axes are multiples of this


@dataclass(frozen=True, eq=False)
class BoardRow:
    """A row of a board; a method that was not measured here has a figure and no entry.

    ``others``: entries of the same method on the other targets, None where it has no such target.
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
    def draws(self) -> int:
        """How many runs repeat the whole method."""
        return len(draws_of(self.records, self.entry.target)) if self.entry else 0

    @property
    def ranks(self) -> str:
        """The rank interval; empty without a rank."""
        return self.place.ranks.replace("-", TO) if self.place and self.place.best else ""

    @property
    def group(self) -> str:
        """The tie group; empty without one."""
        return str(self.place.group) if self.place and self.place.group else ""

    @property
    def backbone(self) -> str:
        if self.records:
            return backbone_of(self.records[0])
        return self.figure.backbone if self.figure else ""

    @property
    def labels(self) -> str:
        """Whether image labels are read at inference: "yes", "no", or empty if unknown."""
        if not self.records or self.sup == "F." or self.records[0].supervision.stated:
            return ""
        return "yes" if self.records[0].supervision.labels_at_inference else "no"

    @property
    def difference(self) -> float | None:
        """Our mean minus the published figure, a fraction."""
        if self.figure is None or self.mean is None:
            return None
        return self.mean - self.figure.value / 100

    @property
    def cpu_seconds(self) -> float | None:
        """Mean CPU time of a run."""
        return mean_of(record.total("cpu_seconds") for record in self.records)

    @property
    def gpu_seconds(self) -> float | None:
        """Mean GPU time of a run."""
        return mean_of(record.total("gpu_seconds") for record in self.records)

    @property
    def peak_memory(self) -> int | None:
        """Bytes of the largest stage of all runs."""
        return max((record.peak_memory or 0 for record in self.records), default=0) or None

    @property
    def order(self) -> tuple[bool, float, str]:
        """Sort key: best first, rows without a mean last."""
        value = self.mean if self.entry else self.figure.value if self.figure else None
        return value is None, -(value or 0), self.method


@dataclass(frozen=True, eq=False)
class BoardTable:
    board: Board
    target: str
    ranking: Ranking
    rows: tuple[BoardRow, ...]

    def of_kind(self, *kinds: Kind) -> list[BoardRow]:
        return sorted((row for row in self.rows if row.kind in kinds), key=lambda row: row.order)

    @cached_property
    def groups(self) -> list[tuple[str, list[BoardRow]]]:
        """Rows in the order of the page: methods, bounds and controls, published figures."""
        groups = [
            ("method", self.of_kind("method")),
            ("reference", self.of_kind("bound", "control")),
            ("published", self.of_kind("published")),
        ]
        return [(name, rows) for name, rows in groups if rows]

    @cached_property
    def lead(self) -> str:
        """Who leads, in one sentence."""
        return lead_of([row.entry for row in self.rows if row.entry], self.ranking.places)

    @cached_property
    def estimated(self) -> list[Entry]:
        """The entries with an estimate, in the order of ``differences``."""
        return [row.entry for row in self.rows if row.entry and row.entry.estimate]

    @cached_property
    def differences(self) -> Differences:
        return differences(self.estimated)

    @cached_property
    def scale(self) -> tuple[float, float]:
        """Ends of the axis on which intervals are drawn, fractions: those of the methods."""
        placed = [row for row in self.rows if row.place]
        shown = [row.place for row in placed if row.kind == "method"] or [r.place for r in placed]
        ends = [end for place in shown if place for end in (place.low, place.high)]
        low, high = min(ends, default=0.0), max(ends, default=1.0)
        return max(0.0, low // STEP * STEP), min(1.0, -(-high // STEP) * STEP)

    def draws(self, row: BoardRow) -> bool:
        """Whether a row has an interval that lies on the axis."""
        low, high = self.scale
        return row.place is not None and low <= row.place.low and row.place.high <= high

    def along(self, value: float) -> float:
        """Position of a value on that axis, in percent of its length, clipped to 0 and 100."""
        low, high = self.scale
        return min(max(100 * (value - low) / ((high - low) or 1), 0), 100)


def mean_of(values: Iterable[float | None]) -> float | None:
    """The mean of what is known; None if nothing is."""
    known = [value for value in values if value is not None]
    return statistics.fmean(known) if known else None


def board_tables(board: Board, badges: dict[Path, Verification | None]) -> list[BoardTable]:
    """One table for each target of a board; ``badges`` by file of a record."""
    entries = {target: board.entries(target) for target in board.targets}
    return [_board_table(board, target, entries, badges) for target in entries]


def _board_table(
    board: Board,
    target: str,
    entries_by_target: Mapping[str, Sequence[Entry]],
    badges: dict[Path, Verification | None],
) -> BoardTable:
    entries = entries_by_target[target]
    ranking, gaps = rank(entries), gaps_of(board, target, entries)
    others = [
        {entry.method: entry for entry in other_entries}
        for name, other_entries in entries_by_target.items()
        if name != target
    ]
    rows = [
        BoardRow(
            entry.method,
            entry.kind,
            entry.records[0].sup_of(target),
            entry,
            place,
            tuple(by_method.get(entry.method) for by_method in others),
            gap,
            figure_of(entry),
            badge_of(entry.runs, badges),
        )
        for entry, place, gap in zip(entries, ranking.places, gaps, strict=True)
    ]
    rows += _published(board, target, {row.method for row in rows}, len(others))
    return BoardTable(board, target, ranking, tuple(rows))


def _published(board: Board, target: str, measured: Collection[str], others: int) -> list[BoardRow]:
    return [
        BoardRow(figure.method, "published", figure.sup, others=(None,) * others, figure=figure)
        for figure in figures_on(board, target)
        if figure.kind == "published" and figure.method not in measured
    ]


def figure_of(entry: Entry) -> Figure | None:
    """The published figure of the same name, measured in the same way; None without one."""
    finished = (run.record for run in entry.runs if run.score(entry.target))
    return next((published().beside(record, entry.target) for record in finished), None)


def images_of(record: Record, target: str) -> int:
    return record.protocol.images if target == MASKS else record.protocol.val_images


def figures_on(board: Board, target: str) -> list[Figure]:
    """Published figures for a target on the classes and number of images of a board."""
    score = next((s for run in board.loaded if (s := run.score(target))), None)
    if score is None:
        return []
    images = images_of(board.loaded[0].record, target)
    return [
        figure
        for figure in published().figures
        if figure.segmentor == target and published().fits(figure, score.iou, images)
    ]


def badge_of(
    runs: Sequence[LoadedRecord], badges: dict[Path, Verification | None]
) -> Verification | None:
    """The highest tier that all runs have passed; None if one run has passed none."""
    passed = [badge for run in runs if (badge := badges[run.path])]
    return min(passed, key=lambda badge: badge.tier) if len(passed) == len(runs) else None


def backbone_of(record: Record) -> str:
    """Name and depth of the network of the first stage that trains one."""
    networks = (step.options.get("backbone") for step in record.steps)
    first = next(filter(None, networks), None)
    if not isinstance(first, dict):
        return str(first or "")
    return " ".join(str(first[key]) for key in ("name", "depth") if key in first)
