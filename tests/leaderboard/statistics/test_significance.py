"""Holm's procedure against its definition."""

import numpy as np

from wsss_leaderboard.statistics.significance import holm


def test_holm_equals_a_loop_over_sorted_p_values():
    rng = np.random.default_rng(0)
    for _ in range(20):
        p_values = rng.random(12) ** 4
        significant, untested = set(), sorted(range(12), key=lambda n: p_values[n])
        while untested and p_values[untested[0]] <= 0.05 / len(untested):
            significant.add(untested.pop(0))
        assert set(np.flatnonzero(holm(p_values))) == significant
    assert list(holm(np.array([0.01, 0.04, 0.03]))) == [True, False, False]
