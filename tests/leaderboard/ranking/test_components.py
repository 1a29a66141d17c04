"""The spread over seeds by axis: against loops, unbiased, and only where it can be told."""

from itertools import product

import numpy as np
import pytest
from sample_records import record

from wsss_leaderboard.ranking.components import components_of, note_of, split
from wsss_leaderboard.ranking.entries import Entry, LoadedRecord


def naive_split(table):
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
def test_the_split_of_two_axes_is_that_of_a_loop(shape):
    table = np.random.default_rng(0).random(shape)
    assert split(table) == pytest.approx(naive_split(table))


def test_the_split_is_unbiased_for_three_axes():
    rng = np.random.default_rng(1)
    shape, truth = (3, 2, 4), np.array([4.0, 1.0, 2.0, 0.5])
    found = []
    for _ in range(4000):
        table = rng.normal(0, truth[3] ** 0.5, shape)
        for axis, size in enumerate(shape):
            effect = rng.normal(0, truth[axis] ** 0.5, size)
            table += effect.reshape([size if a == axis else 1 for a in range(3)])
        found.append(split(table))
    assert np.mean(found, 0) == pytest.approx(truth, rel=0.1)


def entry(values):
    """An entry with a value for each pair of seeds of the generator and the segmentor."""
    runs = tuple(
        LoadedRecord(
            record(
                seed=number,
                seeds={"weights": 0, "generator": one, "refiner": 0, "segmentor": other},
            ),
            None,
        )
        for number, (one, other) in enumerate(values)
    )
    return Entry("EPS", "V1", "method", runs, tuple(values.values()), None)


def crossed(value):
    return {pair: value(*pair) for pair in product((0, 4), (1, 2, 7))}


def test_a_spread_of_one_axis_is_given_to_it():
    found = components_of(entry(crossed(lambda one, other: 0.5 + one / 100)))
    assert found.axes["generator"] == pytest.approx(0.0008)
    assert found.shares == pytest.approx({"generator": 1, "segmentor": 0, "rest": 0}, abs=1e-9)
    assert found.runs == 6


def test_an_estimate_below_zero_is_zero():
    """Both seeds of an axis are alike on average, and unlike in each combination."""
    found = components_of(entry({(0, 0): 0.5, (0, 1): 0.6, (1, 0): 0.6, (1, 1): 0.5}))
    assert found.axes == {"generator": 0, "segmentor": 0}
    assert found.shares["rest"] == 1


def test_equal_runs_have_nothing_to_share():
    same = entry(crossed(lambda one, other: 0.5))
    assert components_of(same).shares == {}
    assert note_of(same) == "Of the variance over the 6 runs of EPS, V1: there is none."


def test_where_combinations_are_missing_nothing_is_told_apart():
    values = crossed(lambda one, other: 0.5 + one)
    del values[4, 7]
    assert components_of(entry(values)) is None


def test_seeds_that_vary_together_are_said_to():
    together = entry({(0, 0): 0.5, (1, 1): 0.6})
    assert components_of(together) is None
    assert note_of(together).startswith("EPS, V1: seeds of generator, segmentor vary together")


def test_one_axis_and_one_run_need_no_split():
    assert note_of(entry({(0, 0): 0.5, (0, 1): 0.6})) == ""
    assert note_of(entry({(0, 0): 0.5})) == ""


def test_the_note_has_the_share_of_each_axis():
    note = note_of(entry(crossed(lambda one, other: 0.5 + one / 100 + other / 1000)))
    assert note.startswith("Of the variance over the 6 runs of EPS, V1: generator 9")
    assert note.endswith(", rest 0 %.")
