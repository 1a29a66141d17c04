"""Variances of means and differences against loops over images and draws."""

import numpy as np
import pytest

from wsss_leaderboard.statistics.estimates import Estimate, mean_of
from wsss_leaderboard.statistics.spreads import RowDraws, Spreads
from wsss_leaderboard.statistics.variances import (
    NORMAL,
    Means,
    Variances,
    jackknifed,
    noise_of_gaps,
)

IMAGES = 12


def runs_of(count, seed):
    rng = np.random.default_rng(seed)
    base = rng.normal(0, 1, IMAGES)
    return [
        Estimate(rng.normal(), *(base + rng.normal(0, 0.3, (2, IMAGES))), 2.2) for _ in range(count)
    ]


def means(*rows):
    """Rows of runs; each run is a draw."""
    draws = [
        RowDraws(
            {n: run.value for n, run in enumerate(row)},
            [[n] for n in range(len(row))],
            ((f"g{place}",),),
            number=float(len(row)),
        )
        for place, row in enumerate(rows)
    ]
    return Means([mean_of(row) for row in rows], draws)


def test_the_jackknife_of_differences_equals_a_loop():
    deletions = np.random.default_rng(0).normal(0, 1, (3, IMAGES))
    differences = jackknifed(deletions)
    for first in range(3):
        for second in range(3):
            gaps = [a - b for a, b in zip(deletions[first], deletions[second], strict=True)]
            squares, fourth = sum(g**2 for g in gaps), sum(g**4 for g in gaps)
            assert differences.variances[first, second] == pytest.approx(squares)
            if first != second:
                assert differences.df[first, second] == pytest.approx(2 * squares**2 / fourth - 1)


def test_a_difference_that_rests_on_few_images_has_few_degrees_of_freedom():
    few, alike = np.zeros((2, 2, 1000))
    few[0, :3] = 1
    alike[0] = 1
    assert jackknifed(few).df[0, 1] == pytest.approx(2 * 3 - 1)
    assert jackknifed(alike).df[0, 1] == pytest.approx(2 * 1000 - 1)
    assert jackknifed(few).df[0, 0] == np.inf


def test_noise_of_draws_equals_a_loop_and_is_taken_off_the_images():
    rows = [runs_of(3, 1), runs_of(3, 2)]
    gaps = [a.deletions - b.deletions for a, b in zip(*rows, strict=True)]
    noise = sum(np.var([gap[image] for gap in gaps], ddof=1) for image in range(IMAGES))
    tables = np.stack([[run.deletions for run in row] for row in rows])
    assert noise_of_gaps(tables)[0, 1] == pytest.approx(noise)
    total = sum(fmean**2 for fmean in np.mean(gaps, 0))
    actual = means(*rows).differences().images.variances[0, 1]
    assert actual == pytest.approx(total - noise / 3)


def test_the_variance_of_a_mean_is_that_of_its_interval_less_the_noise_of_draws():
    row = runs_of(4, 3)
    influences = np.array([run.influence for run in row])
    squares = (influences.mean(0) ** 2).sum() - influences.var(0, ddof=1).sum() / 4
    actual = means(row).variances().images
    assert actual.variances == pytest.approx([squares * (2.2 / NORMAL) ** 2])
    assert actual.df == [np.inf]


def test_with_one_draw_no_noise_is_known():
    row, other = runs_of(1, 4), runs_of(1, 5)
    gap = row[0].deletions - other[0].deletions
    assert means(row, other).differences().images.variances[0, 1] == pytest.approx((gap**2).sum())


def test_noise_of_rows_with_other_seeds_adds_up():
    rows = runs_of(2, 6), runs_of(3, 7)
    own = [np.var([run.deletions for run in row], axis=0, ddof=1).sum() / len(row) for row in rows]
    gap = np.mean([r.deletions for r in rows[0]], 0) - np.mean([r.deletions for r in rows[1]], 0)
    actual = means(*rows).differences().images.variances[0, 1]
    assert actual == pytest.approx(max((gap**2).sum() - sum(own), 0))


def test_the_sum_of_variances_has_the_degrees_of_freedom_of_satterthwaite():
    both = Variances(
        Spreads(np.array([3.0]), np.array([5.0])), Spreads(np.array([1.0]), np.array([2.0]))
    )
    assert both.errors == pytest.approx([2])
    assert both.freedom == pytest.approx([16 / (9 / 5 + 1 / 2)])
    none = Spreads(np.array([0.0]), np.array([np.inf]))
    assert Variances(none, none).freedom == [np.inf]
    assert Variances(none, none).reaches == [0]
