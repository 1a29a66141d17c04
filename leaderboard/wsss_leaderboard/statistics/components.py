"""Variance components of a table of runs whose axes are crossed.

The estimator is the analysis of variance for crossed random effects and balanced data (Searle,
Casella and McCulloch, "Variance Components", 1992, chapter 4): mean squares are set equal to their
expectations.
"""

from collections.abc import Sequence

from wsss_leaderboard.statistics.estimates import Floats


def variance_components(table: Floats) -> Sequence[float]:
    """The variance of each axis of a table of all combinations, then of the rest.

    Estimates may be below 0.
    """
    degrees = [size - 1 for size in table.shape]
    squares = []
    for axis, size in enumerate(table.shape):
        others = tuple(other for other in range(table.ndim) if other != axis)
        means = table.mean(others)
        squares.append(table.size / size * float(((means - table.mean()) ** 2).sum()))
    rest_degrees = table.size - 1 - sum(degrees)
    rest = (float(((table - table.mean()) ** 2).sum()) - sum(squares)) / rest_degrees
    components = [
        (square / degree - rest) / (table.size / size)
        for square, degree, size in zip(squares, degrees, table.shape, strict=True)
    ]
    return [*components, rest]
