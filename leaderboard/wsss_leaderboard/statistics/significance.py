"""Which differences are significant together, and the tie groups that follow.

Pairs are tested by Holm's procedure (Scandinavian Journal of Statistics, 1979), so with 95 %
certainty no difference that is called significant is wrong.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtr

from wsss_leaderboard.statistics.estimates import LEVEL, Floats
from wsss_leaderboard.statistics.variances import Means


def significant(means: Means) -> NDArray[np.bool_]:
    """(n, n): whether the row is significantly better than the column, all pairs together."""
    gaps = np.subtract.outer(means.values, means.values)
    variances = means.differences()
    errors = variances.errors
    sizes = np.divide(np.abs(gaps), errors, out=np.where(gaps == 0, 0, np.inf), where=errors > 0)
    upper = np.triu_indices(len(gaps), 1)
    p_values = 2 * stdtr(variances.freedom[upper], -sizes[upper])
    differ = np.zeros(gaps.shape, bool)
    differ[upper] = holm(p_values)
    return (differ | differ.T) & (gaps > 0)


def holm(p_values: Floats, level: float = 1 - LEVEL) -> NDArray[np.bool_]:
    """Which p-values are significant together.

    Each is compared with level / the number of those not smaller, the smallest first; none is
    significant after the first that fails.
    """
    order = np.argsort(p_values, kind="stable")
    passed = p_values[order] <= level / np.arange(len(p_values), 0, -1)
    significant = np.zeros(len(p_values), bool)
    significant[order] = np.logical_and.accumulate(passed)
    return significant


def tie_groups(values: Floats, better: NDArray[np.bool_]) -> dict[int, int]:
    """The tie group of each value, 1 being the top; ``better``: what ``significant`` returns.

    A group begins with the best value that is in none yet, and takes in all others that are not
    significantly worse than it.
    """
    ungrouped = [int(place) for place in np.argsort(-values, kind="stable")]
    groups: dict[int, int] = {}
    group = 0
    while ungrouped:
        group += 1
        best = ungrouped[0]
        groups |= {place: group for place in ungrouped if not better[best, place]}
        ungrouped = [place for place in ungrouped if place not in groups]
    return groups
