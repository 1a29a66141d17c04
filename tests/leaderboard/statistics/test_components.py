"""Variance components against their definition, and their bias."""

import numpy as np
import pytest

from wsss_leaderboard.statistics.components import variance_components


def naive_components(table):
    """Mean squares of two axes from their definition, solved for the variances."""
    rows, columns = table.shape
    grand = sum(table[r, c] for r in range(rows) for c in range(columns)) / table.size
    row = [sum(table[r]) / columns for r in range(rows)]
    column = [sum(table[:, c]) / rows for c in range(columns)]
    of_rows = columns * sum((m - grand) ** 2 for m in row) / (rows - 1)
    of_columns = rows * sum((m - grand) ** 2 for m in column) / (columns - 1)
    rest = sum(
        (table[r, c] - row[r] - column[c] + grand) ** 2 for r in range(rows) for c in range(columns)
    ) / ((rows - 1) * (columns - 1))
    return [(of_rows - rest) / columns, (of_columns - rest) / rows, rest]


@pytest.mark.parametrize("shape", [(2, 2), (3, 4), (5, 2)])
def test_components_of_two_axes_equal_the_definition(shape):
    table = np.random.default_rng(0).random(shape)
    assert variance_components(table) == pytest.approx(naive_components(table))


def test_components_of_three_axes_are_unbiased():
    rng = np.random.default_rng(1)
    shape, truth = (3, 2, 4), np.array([4.0, 1.0, 2.0, 0.5])
    estimates = []
    for _ in range(4000):
        table = rng.normal(0, truth[3] ** 0.5, shape)
        for axis, size in enumerate(shape):
            effect = rng.normal(0, truth[axis] ** 0.5, size)
            table += effect.reshape([size if a == axis else 1 for a in range(3)])
        estimates.append(variance_components(table))
    assert np.mean(estimates, 0) == pytest.approx(truth, rel=0.1)
