"""The variance of each axis of a table: analysis of variance for crossed random effects."""

from collections.abc import Sequence

from wsss_leaderboard.statistics.estimates import Floats


def variance_components(table: Floats) -> Sequence[float]:
    """The variance of each axis of a table of all combinations, then of the rest.

    Estimates may be below 0. Source: Snedecor and Cochran, "Statistical Methods", 1980.
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
