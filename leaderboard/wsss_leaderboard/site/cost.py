"""The page of what methods cost: mIoU against hours, and which methods nothing beats for less."""

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import pairwise

from wsss_leaderboard.site.board import folder_of, targets_of
from wsss_leaderboard.site.board_table import BoardRow, BoardTable
from wsss_leaderboard.site.charts import BOTTOM, HIGH, LEFT, RIGHT, TOP, WIDE, Axis
from wsss_leaderboard.site.pages import Pages

STEPS = (1, 2, 5)  # of ticks, times powers of ten


@dataclass(frozen=True)
class CostPoint:
    """A method; ``best``: no other has as much mIoU for less."""

    number: int
    row: BoardRow
    minutes: float
    x: float
    y: float
    best: bool


@dataclass(frozen=True)
class CostChart:
    """mIoU by minutes of the ``processor``, which are on a logarithmic axis."""

    processor: str
    across: Sequence[tuple[float, float]]
    up: Axis
    points: Sequence[CostPoint]

    @property
    def front(self) -> str:
        """SVG points of the steps through the best points."""
        best = [point for point in self.points if point.best]
        corners = [f"{b.x},{a.y} {b.x},{b.y}" for a, b in pairwise(best)]
        return " ".join([f"{best[0].x},{best[0].y}", *corners, f"{WIDE - RIGHT},{best[-1].y}"])


def chart_of(table: BoardTable) -> CostChart | None:
    """The chart of a target; None without two methods whose cost is known.

    Where all methods ran on GPUs, their time counts, else that of CPUs.
    """
    rows = [row for row in table.of_kind("method") if row.mean is not None]
    on_gpus = bool(rows) and all(row.gpu_seconds for row in rows)
    spent = {row: row.gpu_seconds if on_gpus else row.cpu_seconds for row in rows}
    known = {row: seconds / 60 for row, seconds in spent.items() if seconds}
    if len(known) < 2:
        return None
    across = Axis(*ends(known.values()), LEFT, WIDE - RIGHT)
    means = [row.mean or 0 for row in known]
    up = Axis(min(means) // 0.1 / 10, -(-max(means) // 0.1) / 10, HIGH - BOTTOM, TOP)
    points: list[CostPoint] = []
    for row, minutes in sorted(known.items(), key=lambda item: (item[1], item[0].order)):
        best = all((row.mean or 0) > (point.row.mean or 0) for point in points)
        place = across.at(math.log10(minutes)), up.at(row.mean or 0)
        points.append(CostPoint(len(points) + 1, row, minutes, *place, best))
    return CostChart("GPU" if on_gpus else "CPU", ticks(across), up, points)


def ends(minutes: Collection[float]) -> tuple[float, float]:
    """Ends of a logarithmic axis, with room for the marks."""
    low, high = math.log10(min(minutes)), math.log10(max(minutes))
    room = max(0.05 * (high - low), 0.05)
    return low - room, high + room


def ticks(axis: Axis) -> list[tuple[float, float]]:
    """Round minutes on the axis, with their coordinates."""
    powers = range(math.floor(axis.low), math.ceil(axis.high) + 1)
    values = [step * 10.0**power for power in powers for step in STEPS]
    return [(v, axis.at(math.log10(v))) for v in values if axis.low <= math.log10(v) <= axis.high]


def write_cost(pages: Pages, tables: Sequence[BoardTable]) -> None:
    board = tables[0].board
    targets = targets_of(board)
    charts = [(target, chart_of(table)) for target, table in zip(targets, tables, strict=True)]
    pages.write(f"{folder_of(board)}/cost.html", "cost.html", board=board, charts=charts)
