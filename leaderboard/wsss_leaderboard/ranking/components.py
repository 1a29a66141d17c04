"""The share of each axis in the spread over seeds, where a suite crosses the seeds of axes.

Every combination of seeds was run once, so the effect of a combination cannot be separated from
noise; both are ``rest``.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product

import numpy as np

from wsss_harness.suite.spec import AXES, Axis
from wsss_leaderboard.ranking.entries import Entry
from wsss_leaderboard.statistics.components import variance_components

TOGETHER = (
    "{method}: seeds of {axes} vary together, so their parts of the spread cannot be told apart; "
    "`cross` in the suite varies them on their own."
)


@dataclass(frozen=True)
class Components:
    """Variances of mIoU: of each axis with several seeds, and of the rest; estimates below 0 are 0.

    ``runs``: their number.
    """

    axes: Mapping[Axis, float]
    rest: float
    runs: int

    @property
    def shares(self) -> dict[str, float]:
        """Of their sum, by axis; ``rest`` last. Empty if nothing varies."""
        parts = {str(axis): part for axis, part in self.axes.items()} | {"rest": self.rest}
        total = sum(parts.values())
        return {name: part / total for name, part in parts.items()} if total else {}


def components_of(entry: Entry) -> Components | None:
    """The components of an entry; None unless two axes or more are crossed, every run finished."""
    levels = seeds_of(entry)
    axes = [axis for axis, seeds in levels.items() if len(seeds) > 1]
    if len(axes) < 2 or not entry.complete:
        return None
    values = {
        tuple(record.seeds[axis] for axis in axes): value
        for record, value in zip(entry.records, entry.values, strict=True)
    }
    cells = list(product(*(levels[axis] for axis in axes)))
    if set(values) != set(cells) or len(entry.values) != len(cells):
        return None
    table = np.reshape([values[cell] for cell in cells], [len(levels[axis]) for axis in axes])
    *variances, rest = np.maximum(variance_components(table), 0)
    return Components(dict(zip(axes, map(float, variances), strict=True)), float(rest), table.size)


def seeds_of(entry: Entry) -> dict[Axis, tuple[int, ...]]:
    """The seeds of each axis among the runs."""
    runs = [record.seeds for record in entry.records]
    return {axis: tuple(sorted({seeds[axis] for seeds in runs if axis in seeds})) for axis in AXES}


def note_of(entry: Entry) -> str:
    """A sentence on where the spread of an entry comes from; empty for one run."""
    if not entry.complete or len(entry.values) < 2:
        return ""
    name = f"{entry.method}, {entry.target}" if entry.target else entry.method
    if crossed := components_of(entry):
        parts = ", ".join(f"{axis} {100 * share:.0f} %" for axis, share in crossed.shares.items())
        return (
            f"Of the variance over the {crossed.runs} runs of {name}: {parts or 'there is none'}."
        )
    varied = [axis for axis, seeds in seeds_of(entry).items() if len(seeds) > 1]
    if len(varied) < 2:
        return ""
    return TOGETHER.format(method=name, axes=", ".join(varied))
