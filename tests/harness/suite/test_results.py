"""Results are found by their suite, and never those of another."""

import re
from pathlib import Path

import pytest

from wsss_harness.contract.errors import ConfigError, DataError
from wsss_harness.suite import results, selection
from wsss_harness.suite.results import doubts, one_of, results_of
from wsss_harness.suite.selection import Request
from wsss_harness.system.files import write_json

TEXT = """
title = "T"
dataset = { name = "railscenes" }
generators.R = { name = "redness" }
rows = [{ method = "R", generator = "R" }]
"""
SEVERAL = TEXT.replace("dataset =", "datasets.rails =") + 'datasets.city = { name = "in_memory" }\n'


@pytest.fixture
def store(tmp_path):
    return tmp_path / "runs"


def suite(folder, text=TEXT, name="s.toml"):
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(text)
    return folder / name


def run(path, store, **parts):
    """What a run leaves: records in the folder that is the suite's own."""
    folder = Request(path, **parts).claim(store)
    write_json(folder / "records" / "0.json", {})
    return folder


def older(path, folder):
    """Results of a version that did not note whose they are."""
    definition = Request(path).suite().model_dump(mode="json", exclude_defaults=True)
    write_json(folder / "records" / "0.json", {"definition": definition})
    return folder


def test_each_of_two_suites_of_one_name_finds_its_own(tmp_path, store):
    first, second = suite(tmp_path / "one"), suite(tmp_path / "two")
    folders = [run(path, store) for path in (first, second)]
    assert [one_of(path, store) for path in (first, second)] == folders
    assert results_of(store.parent / "runs/results/s~2", store) == {"": folders[1]}


def test_a_suite_that_was_not_run_is_refused_beside_one_of_its_name(tmp_path, store):
    run(suite(tmp_path / "one"), store)
    with pytest.raises(DataError, match=r"no records of .*two/s\.toml, as .*s has those of .*one"):
        results_of(suite(tmp_path / "two"), store)


def test_a_removed_suite_finds_its_own(tmp_path, store):
    first, second = suite(tmp_path / "one"), suite(tmp_path / "two")
    folders = [run(path, store) for path in (first, second)]
    second.unlink()
    assert one_of(second, store) == folders[1]
    with pytest.raises(DataError, match=r"there is no file .*three"):
        results_of(tmp_path / "three" / "s.toml", store)


def test_a_name_with_a_dot_is_not_cut(tmp_path, store):
    long = run(suite(tmp_path, name="s.v2.toml"), store)
    run(suite(tmp_path), store)
    assert one_of(Path("s.v2"), store) == long


def test_each_dataset_is_found_by_suite_and_by_name(tmp_path, store):
    first, second = suite(tmp_path / "one", SEVERAL), suite(tmp_path / "two", SEVERAL)
    own = {name: run(first, store, dataset=name) for name in ("city", "rails")}
    other = {"rails": run(second, store, dataset="rails")}
    assert results_of(first, store) == results_of(Path("s"), store) == own
    assert results_of(second, store) == other
    with pytest.raises(ConfigError, match="name one of s@city, s@rails"):
        one_of(first, store)
    assert one_of(Path("s@rails"), store) == own["rails"]
    run(second, store, dataset="city").rename(store / "results" / "s@town")
    with pytest.raises(DataError, match="'s' does not say whose results"):
        results_of(Path("s"), store)


def test_results_of_older_versions_stay_readable(tmp_path, store):
    path = suite(tmp_path / "one")
    folder = older(path, store / "results" / "s")
    assert one_of(path, store) == one_of(Path("s"), store) == folder
    assert run(path, store) == folder


def test_results_of_older_versions_are_not_taken_for_those_of_another_suite(tmp_path, store):
    folder = older(suite(tmp_path / "one"), store / "results" / "s")
    other = suite(tmp_path / "two", TEXT.replace('"T"', '"Another"'))
    with pytest.raises(DataError, match="there are no records"):
        results_of(other, store)
    assert run(other, store) != folder
    several = suite(tmp_path / "three", SEVERAL)
    assert run(several, store, dataset="rails").name == "s@rails"


def test_the_name_of_a_shipped_suite_is_no_other_suite(tmp_path, store, monkeypatch):
    for module in (results, selection.owners):
        monkeypatch.setattr(module, "configs", lambda: tmp_path / "configs")
    (tmp_path / "configs").mkdir()
    shipped = suite(tmp_path / "configs" / "suites")
    own = run(suite(tmp_path / "one"), store)
    with pytest.raises(DataError, match=re.escape(f"{own} has those of ")):
        results_of(Path("s"), store)
    folder = run(shipped, store)
    assert one_of(Path("s"), store) == folder
    assert folder.name == "s~2"


def test_parts_of_the_suite_are_named_where_it_was_not_run_whole(tmp_path, store):
    path = suite(tmp_path / "one")
    part = run(path, store, overrides=("x=1",))
    with pytest.raises(DataError, match=f"were run as {part.name};"):
        results_of(path, store)
    with pytest.raises(DataError) as error:
        results_of(suite(tmp_path / "two"), store)
    assert "were run as" not in str(error.value)


def test_results_of_a_run_that_has_not_ended_since_an_edit_say_so(tmp_path, store):
    folder = run(suite(tmp_path), store)
    for number, title in enumerate(("T", "T")):
        write_json(folder / "records" / f"{number}.json", {"definition": {"title": title}})
    assert not list(doubts([folder]))
    write_json(folder / "records" / "2.json", {"definition": {"title": "edited"}})
    (doubt,) = doubts([folder])
    assert str(folder) in doubt
    assert "`wsss run`" in doubt
