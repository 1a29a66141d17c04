"""How much of the spread over seeds each axis makes, where a suite crosses the seeds of axes.

Every combination of seeds was run once. The estimator is that of the analysis of variance for
crossed random effects and balanced data (Searle, Casella and McCulloch, "Variance Components",
1992, chapter 4): mean squares are set equal to their expectations. What only a combination of seeds
decides cannot be told from noise; both are ``rest``.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np

from wsss_harness.suite.spec import AXES, Axis
from wsss_leaderboard.ranking.entries import Entry
from wsss_leaderboard.statistics.estimates import Floats

TOGETHER = (
    "{method}: seeds of {axes} vary together, so their parts of the spread cannot be told apart; "
    "`cross` in the suite varies them on their own."
)


@dataclass(frozen=True)
class Components:
    """Variances of mIoU: of each axis with several seeds, and of the rest; estimates below 0 are 0.

    ``runs``: how many there are.
    """

    axes: Mapping[Axis, float]
    rest: float
    runs: int

    @property
    def shares(self) -> dict[str, float]:
        """Of their sum, by axis; ``rest`` last. Empty if nothing varies."""
        parts = {str(axis): part for axis, part in self.axes.items()} | {"rest": self.rest}
        whole = sum(parts.values())
        return {name: part / whole for name, part in parts.items()} if whole else {}


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
    *parts, rest = np.maximum(split(table), 0)
    return Components(dict(zip(axes, map(float, parts), strict=True)), float(rest), table.size)


def seeds_of(entry: Entry) -> dict[Axis, tuple[int, ...]]:
    """The seeds of each axis among the runs."""
    found = [record.seeds for record in entry.records]
    return {axis: tuple(sorted({seeds[axis] for seeds in found if axis in seeds})) for axis in AXES}


def split(table: Floats) -> Sequence[float]:
    """The variance of each axis of a table of all combinations, then that of the rest."""
    degrees = [size - 1 for size in table.shape]
    squares = []
    for axis, size in enumerate(table.shape):
        others = tuple(other for other in range(table.ndim) if other != axis)
        means = table.mean(others)
        squares.append(table.size / size * float(((means - table.mean()) ** 2).sum()))
    left = table.size - 1 - sum(degrees)
    rest = (float(((table - table.mean()) ** 2).sum()) - sum(squares)) / left
    each = [
        (square / degree - rest) / (table.size / size)
        for square, degree, size in zip(squares, degrees, table.shape, strict=True)
    ]
    return [*each, rest]


def note_of(entry: Entry) -> str:
    """A sentence on where the spread of an entry comes from; empty for one run."""
    if not entry.complete or len(entry.values) < 2:
        return ""
    name = f"{entry.method}, {entry.target}" if entry.target else entry.method
    if found := components_of(entry):
        parts = ", ".join(f"{axis} {100 * share:.0f} %" for axis, share in found.shares.items())
        return f"Of the variance over the {found.runs} runs of {name}: {parts or 'there is none'}."
    varied = [axis for axis, seeds in seeds_of(entry).items() if len(seeds) > 1]
    if len(varied) < 2:
        return ""
    return TOGETHER.format(method=name, axes=", ".join(varied))
