"""A part of a suite is run as a suite of its own; results of different ones never mix."""

import re
from pathlib import Path

import pytest
import small_suite

from wsss_harness.contract.errors import ConfigError
from wsss_harness.execution.engine import Engine
from wsss_harness.execution.run import make_kind, prepare_suite, run_suite
from wsss_harness.store.store import Store
from wsss_harness.suite.selection import Request, select
from wsss_harness.system.limits import Limits

ROWS = [
    {"method": "CAM", "generator": "R"},
    {"method": "CAM refined", "generator": "R", "refiners": ["half"]},
    {"method": "EPS", "generator": "S", "segmentors": ["one"]},
]


def chosen(**asked):
    suite = select(small_suite.suite(rows=ROWS), **asked)
    return [row.method for row in suite.rows]


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({}, ["CAM", "CAM refined", "EPS"]),
        ({"methods": ["EPS"]}, ["EPS"]),
        ({"methods": ["EPS", "CAM"]}, ["CAM", "EPS"]),
        ({"words": ["cam"]}, ["CAM", "CAM refined"]),
        ({"words": ["half"]}, ["CAM refined"]),
        ({"words": ["one", "HALF"]}, ["CAM refined", "EPS"]),
        ({"words": ["cam"], "methods": ["CAM"]}, ["CAM"]),
    ],
)
def test_rows_by_name_and_by_word(asked, expected):
    assert chosen(**asked) == expected


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"methods": ["cam"]}, "--rows cam: no row matches; did you mean 'CAM'?"),
        ({"words": ["seam"]}, "--only seam: no row matches; did you mean 'CAM'?"),
        ({"words": ["eps"], "methods": ["CAM"]}, "--rows and --only together"),
    ],
)
def test_what_no_row_is_called_is_an_error_with_the_nearest_name(asked, message):
    with pytest.raises(ConfigError, match=re.escape(message)):
        chosen(**asked)


def test_other_options_and_other_rows_have_results_of_their_own(tmp_path):
    path = Path("a.toml")
    plain = Request(path).results(tmp_path)
    assert plain.name == "a"
    others = [
        Request(path, ("x=1", "y=2")),
        Request(path, ("x=1",)),
        Request(path, methods=("R",)),
        Request(path, words=("R",)),
    ]
    places = {request.results(tmp_path) for request in others}
    assert len(places) == 4
    assert plain not in places
    assert Request(path, ("y=2", "x=1")).results(tmp_path) in places


SEVERAL = """
title = "Two"
datasets.small = { name = "in_memory", count = 8 }
datasets.large-1 = { name = "in_memory" }
generators.R = { name = "redness" }
rows = [{ method = "R", generator = "R" }]
"""


def test_a_suite_of_several_datasets_is_asked_of_each(tmp_path):
    path = tmp_path / "two.toml"
    path.write_text(SEVERAL)
    requests = Request(path, ("datasets.small.count=6",)).each()
    assert [request.suite().dataset.options for request in requests] == [{"count": 6}, {}]
    plain = [request.results(tmp_path).name for request in Request(path).each()]
    assert plain == ["two@small", "two@large-1"]
    changed = [request.results(tmp_path).name for request in Request(path, methods=("R",)).each()]
    assert [name.rpartition("@")[2] for name in changed] == ["small", "large-1"]
    assert not set(changed) & set(plain)
    (chosen,) = Request(path, ("dataset=small",)).each()
    assert chosen.suite().dataset.options == {"count": 8}


@pytest.mark.parametrize("overrides", [(), ("dataset=tiny",), ("dataset.count=3",)])
def test_one_of_several_datasets_must_be_chosen_where_one_is_needed(tmp_path, overrides):
    path = tmp_path / "two.toml"
    path.write_text(SEVERAL)
    with pytest.raises(ConfigError, match=r"two\.toml has several .*; there are small, large-1"):
        Request(path, overrides).suite()


@pytest.mark.parametrize(
    ("datasets", "message"),
    [
        ("3", r"datasets is 3; expected tables, as \[datasets.NAME\]"),
        ("{}", "datasets is {}; expected tables"),
        ("{ 'a b' = { name = 'x' } }", "datasets has the name 'a b'; expected letters, digits"),
        ("{ 'a/b' = { name = 'x' } }", "datasets has the name 'a/b'"),
    ],
)
def test_datasets_are_tables_whose_names_can_name_files(tmp_path, datasets, message):
    path = tmp_path / "two.toml"
    path.write_text(f"title = 'Two'\ndatasets = {datasets}\n")
    for read in (Request(path).each, Request(path).suite):
        with pytest.raises(ConfigError, match=f"two\\.toml: {message}"):
            read()


@pytest.fixture(scope="module")
def plugins():
    return small_suite.plugins()


def started(store):
    return [event.stage for event in store.events if event.kind == "started"]


def test_only_what_failed_is_worked_on_and_what_is_complete_counts(tmp_path, plugins):
    suite, store = small_suite.suite(), small_suite.store(tmp_path)
    dataset = prepare_suite(suite, plugins, Engine(store))
    outcomes = list(run_suite(suite, plugins, Engine(store), dataset, {("S", 0)}))
    assert [outcome.row.row.method for outcome in outcomes] == ["S"]
    assert "fit redness" not in started(store)
    whole = {o.row.row.method: o.number for o in run_suite(suite, plugins, Engine(store), dataset)}
    again = run_suite(suite, plugins, Engine(store), dataset, set())
    assert {outcome.row.row.method: outcome.number for outcome in again} == whole


def test_stages_up_to_a_kind_and_no_further(tmp_path, plugins):
    store = small_suite.store(tmp_path)
    finished, failures = make_kind(small_suite.suite(), plugins, Engine(store), "mask")
    assert {stage.kind for stage in finished} == {"mask"}
    assert failures == []
    kinds = {title.partition(" ")[0] for title in started(store)}
    assert kinds == {"data", "fit", "score", "mask"}


def test_an_unknown_kind_of_stage_is_an_error_that_lists_them(tmp_path, plugins):
    store = small_suite.store(tmp_path)
    with pytest.raises(ConfigError, match=r"kind 'masks'; did you mean 'mask'"):
        make_kind(small_suite.suite(), plugins, Engine(store), "masks")
    assert started(store) == []


def test_a_time_limit_on_a_kind_that_there_is_not_lists_them(tmp_path, plugins):
    store = Store(tmp_path, limits=Limits(by_kind={"fits": 7200}))
    with pytest.raises(ConfigError, match=r"--time-limit fits=.*did you mean 'fit'"):
        prepare_suite(small_suite.suite(), plugins, Engine(store))
    with pytest.raises(ConfigError, match="--time-limit fits="):
        make_kind(small_suite.suite(), plugins, Engine(store), "mask")
    assert not list(tmp_path.iterdir())
