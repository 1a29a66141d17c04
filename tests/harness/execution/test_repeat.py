"""A row that is made twice has the same bytes, or the first stage that has not is named."""

import itertools

import numpy as np
import pytest
import small_suite

from wsss_harness.contract.errors import ConfigError, DataError, StageFailure
from wsss_harness.execution.repeat import repeat_row, row_of
from wsss_harness.system.files import write_text


@pytest.fixture(scope="module")
def plugins():
    return small_suite.plugins()


def compared(folder, plugins, **changes):
    store = small_suite.store(folder / "store")
    row = row_of(small_suite.suite(**changes), plugins, "R", None, store)
    return list(repeat_row(row, store)), store


def test_repeated_row_has_the_same_bytes(tmp_path, plugins):
    repeated, store = compared(tmp_path, plugins)
    assert [differing for _, differing in repeated] == [[]] * len(repeated)
    started = [event.stage for event in store.events if event.kind == "started"]
    assert sorted(started) == sorted(2 * [stage.title for stage, _ in repeated])
    assert {"fit redness", "predict one on redness"} <= set(started)


def test_row_in_the_store_is_made_only_once_more(tmp_path, plugins):
    compared(tmp_path, plugins)
    repeated, store = compared(tmp_path, plugins)
    started = [event.stage for event in store.events if event.kind == "started"]
    assert len(started) == len(repeated)
    assert [path.name for path in tmp_path.iterdir()] == ["store"]


def test_repetition_ends_at_the_first_stage_that_differs(tmp_path, plugins, monkeypatch):
    numbers = itertools.count()

    def fit(self, data, run):
        write_text(run.folder / "number.txt", str(next(numbers)))
        write_text(run.folder / "same.txt", "same")

    monkeypatch.setattr(small_suite.Redness, "fit", fit)
    repeated, _ = compared(tmp_path, plugins)
    assert repeated[-1][0].title == "fit redness"
    assert repeated[-1][1] == ["number.txt"]
    assert not any(differing for _, differing in repeated[:-1])


def test_failed_stage_is_raised_and_leaves_no_folder(tmp_path, plugins):
    generators = {"R": {"name": "redness", "reads": "nothing"}, "S": {"name": "salient"}}
    with pytest.raises(StageFailure, match="redness"):
        compared(tmp_path, plugins, generators=generators)
    assert [path.name for path in tmp_path.iterdir()] == ["store"]


def test_data_that_a_run_refuses_is_not_repeated(tmp_path, plugins, monkeypatch):
    shape = (24, 32)
    monkeypatch.setattr(small_suite.FakeDataset, "truth", lambda *_: np.full(shape, 255, np.uint8))
    with pytest.raises(DataError, match="truth"):
        compared(tmp_path, plugins)


def test_unknown_row_is_refused_with_a_list_of_rows(plugins, tmp_path):
    with pytest.raises(ConfigError, match="'X'; there are R, S"):
        row_of(small_suite.suite(), plugins, "X", None, small_suite.store(tmp_path))
