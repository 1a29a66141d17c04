"""The standing of each method on each target: its place, and its share of the attainable gap."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from wsss_harness.stages.bounds import NEAREST, SUPERVISED
from wsss_leaderboard.ranking.components import components_of, note_of
from wsss_leaderboard.ranking.entries import Board, Entry, LoadedRecord, boards
from wsss_leaderboard.ranking.ranking import Place, rank
from wsss_leaderboard.records.counts import MASKS
from wsss_leaderboard.statistics import estimates

GAP = (
    "gap: percent of the way from masks of background alone to the attainable mIoU, which is that "
    f"of '{NEAREST}' for masks, of '{SUPERVISED}' for a segmentor. More than 100 is possible."
)


@dataclass(frozen=True)
class Standing:
    """The place of a method on a target, and the share of the attainable gap that it closes.

    None if counts by image or a bound are missing.
    """

    place: Place | None
    gap: float | None


@dataclass(frozen=True)
class Standings:
    """Standings by target and method; ``notes`` by target say how to read them."""

    entries: Mapping[tuple[str, str], Standing] = field(default_factory=dict)
    notes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def of(self, target: str, method: str) -> Standing | None:
        return self.entries.get((target, method))


NONE = Standings()  # of records without counts


def standings(loaded: Iterable[LoadedRecord]) -> Standings:
    """The standings of all methods of these records on all targets."""
    by_method: dict[tuple[str, str], Standing] = {}
    notes: dict[str, tuple[str, ...]] = {}
    for board in boards(loaded):
        for target in board.targets:
            entries = board.entries(target)
            ranking = rank(entries)
            gaps = gaps_of(board, target, entries)
            for entry, place, gap in zip(entries, ranking.places, gaps, strict=True):
                by_method[target, entry.method] = Standing(place, gap)
            closed = [GAP] * any(gap is not None for gap in gaps)
            crossed = [note_of(entry) for entry in entries if components_of(entry)]
            notes[target] = (*ranking.notes, *closed, *crossed)
    return Standings(by_method, notes)


def gaps_of(board: Board, target: str, entries: Sequence[Entry]) -> list[float | None]:
    """The share of the attainable gap that each entry closes; above 1 is possible, below 0 too."""
    bounds = (e for e in entries if (e.method, e.kind) == (bound_of(target), "bound"))
    upper = next((e.mean for e in bounds), None)
    lower = nothing(board, target)
    if upper is None or lower is None or upper <= lower:
        return [None] * len(entries)
    return [None if e.mean is None else (e.mean - lower) / (upper - lower) for e in entries]


def bound_of(target: str) -> str:
    """The row whose mIoU counts as attainable."""
    return NEAREST if target == MASKS else SUPERVISED


def nothing(board: Board, target: str) -> float | None:
    """mIoU of masks that are background everywhere; None without counts."""
    counts = (run.tallies[target].counts for run in board.loaded if target in run.tallies)
    return next(map(estimates.miou_of_background, counts), None)
