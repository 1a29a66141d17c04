"""Coordinates of charts, in units of their viewBox; templates/charts.html draws them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from wsss_harness.metrics.anatomy import CAUSES
from wsss_harness.metrics.curve import THRESHOLDS
from wsss_leaderboard.records.record import Record
from wsss_leaderboard.records.scores import Cause

WIDE, HIGH = 640, 300  # of the plot, in units of the viewBox
LEFT, RIGHT, TOP, BOTTOM = 44, 12, 26, 34  # its margins
POLICIES = {
    "fixed": "fixed at 0.20",
    "held_out": "chosen on held-out images",
    "oracle": "chosen on the scored images",
}
FINE = 0.5  # axes up to this value have a tick every 0.1, longer ones every 0.2


@dataclass(frozen=True)
class Axis:
    """A linear map from values to coordinates: ``low`` to ``start``, ``high`` to ``end``."""

    low: float
    high: float
    start: float
    end: float

    def at(self, value: float) -> float:
        share = (value - self.low) / ((self.high - self.low) or 1)
        return round(self.start + share * (self.end - self.start), 1)

    @property
    def ticks(self) -> list[tuple[float, float]]:
        """Round values on the axis, with their coordinates."""
        step = 0.1 if self.high <= FINE else 0.2
        values = [step * number for number in range(int(self.high / step + 1e-6) + 1)]
        return [(value, self.at(value)) for value in values if value >= self.low]


@dataclass(frozen=True)
class ThresholdMark:
    """A threshold marked on a curve; ``shape`` is the policy that chose it."""

    shape: str
    words: str
    threshold: float
    miou: float
    x: float
    y: float


@dataclass(frozen=True)
class ThresholdChart:
    """mIoU by threshold: SVG points of a line for each seed, and the marks of the first."""

    across: Axis
    up: Axis
    lines: tuple[str, ...]
    marks: tuple[ThresholdMark, ...]


def curve_of(records: Iterable[Record]) -> ThresholdChart | None:
    """The chart of a method's records; None if its rule has no threshold."""
    curved = [record.masks for record in records if record.masks and record.masks.curve]
    if not curved:
        return None
    top = max(value for masks in curved for value in masks.curve)
    across = Axis(0, 1, LEFT, WIDE - RIGHT)
    up = Axis(0, -(-top * 10 // 1) / 10, HIGH - BOTTOM, TOP)
    xs = [across.at(threshold) for threshold in THRESHOLDS]
    lines = tuple(
        " ".join(f"{x},{up.at(value)}" for x, value in zip(xs, masks.curve, strict=True))
        for masks in curved
    )
    marks = tuple(
        ThresholdMark(
            policy,
            words,
            chosen.threshold,
            chosen.score.miou,
            across.at(chosen.threshold),
            up.at(chosen.score.miou),
        )
        for policy, words in POLICIES.items()
        if (chosen := curved[0].others.get(policy))  # type: ignore[call-overload]
    )
    return ThresholdChart(across, up, lines, marks)


@dataclass(frozen=True)
class CauseShare:
    """A cause of wrong pixels: its share of the counted pixels, and its part of the wrong ones."""

    cause: str
    share: float
    gain: float
    part: float


def shares_of(anatomies: Sequence[dict[str, Cause]]) -> list[CauseShare]:
    """Means over seeds, in the order in which causes are tested."""
    counted = [anatomy for anatomy in anatomies if anatomy]
    if not counted:
        return []
    shares = {c: sum(anatomy[c].share or 0 for anatomy in counted) / len(counted) for c in CAUSES}
    gains = {c: sum(anatomy[c].gain for anatomy in counted) / len(counted) for c in CAUSES}
    wrong = sum(shares.values())
    return [CauseShare(c, shares[c], gains[c], shares[c] / wrong if wrong else 0.0) for c in CAUSES]
