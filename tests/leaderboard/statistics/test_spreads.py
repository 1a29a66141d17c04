"""Pooled variances over draws against loops, and what they are pooled over."""

from itertools import combinations
from statistics import fmean, variance

import numpy as np
import pytest
from scipy.special import stdtrit

from wsss_leaderboard.statistics.spreads import PooledSpreads, RowDraws, connected


def row(values, *lineage, fixed=(), seeds=None):
    seeds = seeds or range(len(values))
    runs = [[place] for place in range(len(values))]
    lineage = tuple(tuple(f"{name} {seed}" for seed in seeds) for name in lineage)
    by_seed = dict(zip(seeds, values, strict=True))
    return RowDraws(by_seed, runs, lineage, frozenset(fixed), float(len(values)))


def drawn(families, rows, draws=3, seed=0):
    """Values (families, rows, draws): luck of a family and of each of its rows."""
    rng = np.random.default_rng(seed)
    return rng.normal(0, 1, (families, 1, draws)) + rng.normal(0, 0.5, (families, rows, draws))


def board(values):
    rows = [
        row(v, f"g{f}", f"r{f}{r}") for f, family in enumerate(values) for r, v in enumerate(family)
    ]
    return PooledSpreads(rows)


def satterthwaite(*parts):
    """The sum of (variance, degrees of freedom), and its own."""
    total = sum(part for part, _ in parts)
    return total, total**2 / sum(part**2 / df for part, df in parts)


def test_the_pooled_variance_of_rows_equals_a_loop():
    values = drawn(3, 4)
    of_rows = fmean(variance(v) for family in values for v in family)
    means = values.mean(1)
    of_families = fmean(variance(family) for family in means)
    of_all = variance(means.mean(0))
    expected = satterthwaite((of_all, 2), (of_families - of_all, 4), (of_rows - of_families, 18))
    (pool,) = board(values).pools.values()
    assert (pool.variance, pool.df) == pytest.approx(expected)


def test_the_pooled_variance_of_differences_equals_a_loop():
    values = drawn(3, 4)
    means = values.mean(1)
    of_means = fmean(variance(row - peer) for row, peer in combinations(means, 2))
    gaps = [variance(a - b) for row, peer in combinations(values, 2) for a in row for b in peer]
    between = satterthwaite((of_means, 4), (fmean(gaps) - of_means, 18))
    within = fmean(variance(a - b) for family in values for a, b in combinations(family, 2))
    (block,) = board(values).blocks
    (_, _, apart), (_, _, together) = block.of_gaps()
    assert (apart.variance, apart.df) == pytest.approx(between)
    assert (together.variance, together.df) == pytest.approx((within, 3 * 3 * 2))


def test_rows_that_copy_their_generator_add_no_degrees_of_freedom():
    """Two generators, each with six rows that are the same up to a constant."""
    first, second = np.random.default_rng(1).normal(0, 1, (2, 3))
    copies = board([[first + n for n in range(6)], [second + n for n in range(6)]])
    assert copies.of_differences().df[0, 6] == pytest.approx(2)
    (pool,) = copies.pools.values()
    assert pool.df <= 4


def test_rows_of_one_generator_with_more_and_fewer_seeds_share_degrees_of_freedom():
    """Five seeds, of which another row has three: six values about two means, of five draws."""
    five, three = row([0, 1, 2, 4, 8], "g", "a"), row([0, 1, 2], "g", "b")
    (pool,) = PooledSpreads([five, three]).pools.values()
    assert pool.df == 4
    (apart,) = PooledSpreads([five, row([0, 1, 2], "h", "b")]).pools.values()
    assert apart.df == 6
    assert pool.variance == apart.variance


def test_sets_are_connected_by_common_marks():
    assert connected([{1}, {2}, {1, 3}, {3, 2}, {5}]) == [[0, 1, 2, 3], [4]]
    assert connected([]) == []


def test_rows_of_one_lineage_are_one_contrast():
    rows = [row(np.random.default_rng(n).normal(0, 1, 4), "g") for n in range(5)]
    (block,) = PooledSpreads(rows).blocks
    ((_, pairs, spread),) = block.of_gaps()
    assert spread.df == 3
    assert pairs.sum() == 20


def test_what_all_families_share_has_the_degrees_of_freedom_of_its_draws():
    shared = np.array([1.0, 2.0, 4.0])
    (pool,) = board([[shared + n] for n in range(8)]).pools.values()
    assert (pool.variance, pool.df) == pytest.approx((variance(shared), 2))


def test_the_larger_of_own_and_pooled_variance_counts_with_its_own_degrees_of_freedom():
    steady = [row([0, 1, 2], f"g{n}") for n in range(7)]
    spreads = PooledSpreads([*steady, row([0, 10, 20], "h")]).of_rows()
    (pool,) = PooledSpreads([*steady, row([0, 10, 20], "h")]).pools.values()
    assert spreads.variances[-1] == pytest.approx(100 / 3)
    assert spreads.df[-1] == 2
    assert spreads.variances[0] == pytest.approx(pool.variance / 3)
    assert spreads.df[0] == pytest.approx(pool.df)


def test_a_row_with_one_draw_borrows_from_those_that_leave_least_fixed():
    whole = [row([0, 1], "a"), row([0, 2], "b")]
    part = [row([0, 0.1], "c", fixed=["weights"]), row([0, 0.1], "d", fixed=["weights"])]
    single = row([5], "e")
    spreads = PooledSpreads([*whole, *part, single])
    assert spreads.borrowed == spreads.pools[frozenset()]
    assert spreads.of_rows().variances[-1] == pytest.approx((0.5 + 2) / 2)
    assert PooledSpreads([single]).of_rows().variances == [0]


def test_a_row_about_which_nothing_is_drawn_has_no_spread():
    unsteady = RowDraws({0: 0.1, 1: 0.4}, [[0], [1]], ((1, 2),))
    bound = RowDraws({0: 0.5}, [[0, 1]], (("bound",),), deterministic=True)
    spreads = PooledSpreads([unsteady, bound])
    rows, gaps = spreads.of_rows(), spreads.of_differences()
    assert (rows.variances[1], rows.df[1]) == (0, np.inf)
    assert (gaps.variances[0, 1], gaps.df[0, 1]) == (rows.variances[0], rows.df[0])


def test_rows_that_leave_other_things_fixed_are_neither_pooled_nor_paired():
    first, second = row([0, 1, 5], "a"), row([0, 1, 5.5], "b", fixed=["generator"])
    spreads = PooledSpreads([first, second])
    assert len(spreads.blocks) == len(spreads.pools) == 2
    expected = satterthwaite((variance([0, 1, 5]) / 3, 2), (variance([0, 1, 5.5]) / 3, 2))
    differences = spreads.of_differences()
    assert (differences.variances[0, 1], differences.df[0, 1]) == pytest.approx(expected)


def test_rows_of_other_seeds_are_pooled_but_not_paired():
    first, second = row([0, 1, 5], "a"), row([0, 1, 5.5], "b", seeds=[3, 4, 5])
    spreads = PooledSpreads([first, second])
    ((fixed, pool),) = spreads.pools.items()
    assert fixed == frozenset()
    assert pool.variance == pytest.approx(fmean([variance([0, 1, 5]), variance([0, 1, 5.5])]))
    assert pool.df == 4
    assert spreads.of_differences().variances[0, 1] > 2 * pool.variance / 3 * 0.99


def test_two_rows_of_the_same_seeds_have_the_paired_test_of_student():
    first, second = np.array([0.5, 0.53, 0.49]), np.array([0.48, 0.52, 0.5])
    differences = PooledSpreads([row(first, "a"), row(second, "b")]).of_differences()
    assert differences.variances[0, 1] == pytest.approx(variance(first - second) / 3)
    assert differences.df[0, 1] == pytest.approx(2)
    assert differences.variances[0, 1] == differences.variances[1, 0]


def shares_held(boards, pairs):
    """How many intervals of differences whose truth is 0 hold, of these pairs of rows."""
    held = []
    for values in boards:
        spreads = board(values).of_differences()
        means = values.mean(2).ravel()
        reaches = stdtrit(spreads.df, 0.975) * np.sqrt(spreads.variances)
        held += [abs(means[a] - means[b]) <= reaches[a, b] for a, b in pairs]
    return np.mean(held)


@pytest.mark.parametrize("rows", [2, 6])
def test_intervals_between_two_generators_hold_however_many_rows_they_have(rows):
    boards = [drawn(2, rows, seed=seed) for seed in range(400)]
    pairs = [(a, rows + b) for a in range(rows) for b in range(rows)]
    assert 0.93 < shares_held(boards, pairs) < 0.985


def test_intervals_of_an_unsteady_row_hold():
    steadiness = np.array([1.0] * 7 + [3.0])[:, None, None]
    boards = [steadiness * drawn(8, 1, seed=seed) for seed in range(400)]
    assert 0.9 < shares_held(boards, [(0, 7), (3, 7)]) < 0.97
