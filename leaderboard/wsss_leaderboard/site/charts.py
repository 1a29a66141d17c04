"""Where the parts of a chart lie, in units of its drawing; templates/charts.html draws them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from wsss_harness.metrics.anatomy import CAUSES
from wsss_harness.metrics.curve import THRESHOLDS
from wsss_leaderboard.records.record import Record
from wsss_leaderboard.records.scores import Cause

WIDE, HIGH = 640, 300  # of a drawing
LEFT, RIGHT, TOP, BOTTOM = 44, 12, 26, 34  # its margins
POLICIES = {
    "fixed": "fixed at 0.20",
    "held_out": "chosen on held-out images",
    "oracle": "chosen on the scored images",
}
FEW = 0.5  # up to here ticks lie closer


@dataclass(frozen=True)
class Axis:
    """From values to places: ``low`` lies at ``start``, ``high`` at ``end``."""

    low: float
    high: float
    start: float
    end: float

    def at(self, value: float) -> float:
        share = (value - self.low) / ((self.high - self.low) or 1)
        return round(self.start + share * (self.end - self.start), 1)

    @property
    def ticks(self) -> list[tuple[float, float]]:
        """Values at round distances, and their places."""
        step = 0.1 if self.high <= FEW else 0.2
        values = [step * number for number in range(int(self.high / step + 1e-6) + 1)]
        return [(value, self.at(value)) for value in values if value >= self.low]


@dataclass(frozen=True)
class ThresholdMark:
    """A threshold on a curve; ``shape`` tells the policies apart without colour."""

    shape: str
    words: str
    threshold: float
    miou: float
    x: float
    y: float


@dataclass(frozen=True)
class ThresholdChart:
    """mIoU over the threshold: a line of points for each seed, and the marks of the first one."""

    across: Axis
    up: Axis
    lines: tuple[str, ...]
    marks: tuple[ThresholdMark, ...]


def curve_of(records: Iterable[Record]) -> ThresholdChart | None:
    """The curves of a method; None if its rule has no threshold."""
    curved = [record.masks for record in records if record.masks and record.masks.curve]
    if not curved:
        return None
    top = max(value for masks in curved for value in masks.curve)
    across = Axis(0, 1, LEFT, WIDE - RIGHT)
    up = Axis(0, -(-top * 10 // 1) / 10, HIGH - BOTTOM, TOP)
    places = [across.at(threshold) for threshold in THRESHOLDS]
    lines = tuple(
        " ".join(f"{x},{up.at(value)}" for x, value in zip(places, masks.curve, strict=True))
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
    """A cause of wrong pixels: its share of the counted ones, and its part of all wrong ones."""

    cause: str
    share: float
    gain: float
    part: float


def shares_of(anatomies: Sequence[dict[str, Cause]]) -> list[CauseShare]:
    """Means over seeds, in the order in which causes are looked for."""
    known = [one for one in anatomies if one]
    if not known:
        return []
    means = {
        cause: [
            sum(values) / len(known)
            for values in ([one[cause].share or 0 for one in known], [x[cause].gain for x in known])
        ]
        for cause in CAUSES
    }
    whole = sum(share for share, _ in means.values())
    return [CauseShare(c, s, gain, s / whole if whole else 0.0) for c, (s, gain) in means.items()]
