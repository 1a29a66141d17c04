"""The spread over seeds by axis, where a suite crosses the seeds of axes."""

from itertools import product

import pytest
from sample_records import record

from wsss_leaderboard.ranking.components import components_of, note_of
from wsss_leaderboard.ranking.entries import Entry, LoadedRecord


def entry(values):
    """An entry with a value for each pair of seeds of the generator and the segmentor."""
    runs = tuple(
        LoadedRecord(
            record(
                seed=number,
                seeds={"weights": 0, "generator": generator, "refiner": 0, "segmentor": segmentor},
            ),
            None,
        )
        for number, (generator, segmentor) in enumerate(values)
    )
    return Entry("EPS", "V1", "method", runs, tuple(values.values()), None)


def crossed(value):
    return {pair: value(*pair) for pair in product((0, 4), (1, 2, 7))}


def test_the_spread_of_one_axis_is_attributed_to_it():
    components = components_of(entry(crossed(lambda generator, segmentor: 0.5 + generator / 100)))
    assert components.axes["generator"] == pytest.approx(0.0008)
    assert components.shares == pytest.approx({"generator": 1, "segmentor": 0, "rest": 0}, abs=1e-9)
    assert components.runs == 6


def test_an_estimate_below_zero_is_zero():
    """Both seeds of an axis are alike on average, and unlike in each combination."""
    components = components_of(entry({(0, 0): 0.5, (0, 1): 0.6, (1, 0): 0.6, (1, 1): 0.5}))
    assert components.axes == {"generator": 0, "segmentor": 0}
    assert components.shares["rest"] == 1


def test_equal_runs_have_nothing_to_share():
    same = entry(crossed(lambda generator, segmentor: 0.5))
    assert components_of(same).shares == {}
    assert note_of(same) == "Of the variance over the 6 runs of EPS, V1: there is none."


def test_missing_combinations_give_no_components():
    values = crossed(lambda generator, segmentor: 0.5 + generator)
    del values[4, 7]
    assert components_of(entry(values)) is None


def test_axes_that_vary_together_are_noted():
    together = entry({(0, 0): 0.5, (1, 1): 0.6})
    assert components_of(together) is None
    assert note_of(together).startswith("EPS, V1: seeds of generator, segmentor vary together")


def test_one_axis_and_one_run_need_no_split():
    assert note_of(entry({(0, 0): 0.5, (0, 1): 0.6})) == ""
    assert note_of(entry({(0, 0): 0.5})) == ""


def test_the_note_has_the_share_of_each_axis():
    note = note_of(
        entry(crossed(lambda generator, segmentor: 0.5 + generator / 100 + segmentor / 1000))
    )
    assert note.startswith("Of the variance over the 6 runs of EPS, V1: generator 9")
    assert note.endswith(", rest 0 %.")
