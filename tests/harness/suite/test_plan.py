"""A plan says what a run would do, and why; then the run does that."""

import os
import re

import pytest
import small_suite
from rich.console import Console

from wsss_harness.cli.plan_tree import duration, print_plan
from wsss_harness.execution.engine import Engine
from wsss_harness.execution.run import prepare_suite, run_suite
from wsss_harness.stages.products import CURVE
from wsss_harness.store.manifest import MANIFEST
from wsss_harness.store.stage import Stage
from wsss_harness.suite.plan import changes
from wsss_harness.suite.suite_rows import plan_of
from wsss_harness.system.files import read_json, write_json


@pytest.fixture(scope="module")
def plugins():
    return small_suite.plugins()


@pytest.fixture
def plan(tmp_path, plugins):
    return lambda **changed: plan_of(
        small_suite.suite(**changed), plugins, small_suite.store(tmp_path / "store")
    )


@pytest.fixture
def run(tmp_path, plugins):
    """Run a suite; gives the titles of the stages that were made."""

    def run(**changed):
        store, suite = small_suite.store(tmp_path / "store"), small_suite.suite(**changed)
        dataset = prepare_suite(suite, plugins, Engine(store))
        assert not any(o.failure for o in run_suite(suite, plugins, Engine(store), dataset))
        return [event.stage for event in store.events if event.kind == "started"]

    return run


def reasons(plan):
    return {planned.stage.title: planned.reasons for planned in plan.to_do}


def test_an_empty_store_has_all_to_do_and_is_left_alone(plan, tmp_path):
    initial = plan()
    assert not any(planned.done for planned in initial.stages)
    assert {planned.reasons for planned in initial.stages} == {("never made",)}
    assert not (tmp_path / "store").exists()


def test_needed_stages_come_first_and_each_stage_once(plan):
    keys = [planned.stage.key for planned in plan(seeds=[0, 1]).stages]
    assert len(set(keys)) == len(keys)
    for planned in plan(seeds=[0, 1]).stages:
        before = keys[: keys.index(planned.stage.key)]
        assert all(needed.key in before for needed in planned.stage.inputs.values())


def test_what_rows_share_is_counted(plan):
    shared = {p.stage.title: p.rows for p in plan(seeds=[0, 1]).stages if p.rows > 1}
    assert shared == {"data in_memory": 4}
    assert plan(seeds=[0, 1]).shared == 1


def test_the_run_makes_what_was_planned_with_the_controls_that_the_data_brings(plan, run):
    before = plan()
    titles = run()
    planned = [p.stage.title for p in before.stages]
    assert set(planned) < set(titles)  # the data was not there, so no control row was known
    assert len(plan().stages) > len(planned)
    assert plan().to_do == ()
    assert run() == []


def test_a_changed_option_is_named_and_what_follows_it(plan, run):
    run()
    generators = {"R": {"name": "redness", "value": 0.5}, "S": {"name": "salient"}}
    changed = reasons(plan(generators=generators))
    assert changed["score redness"] == ("value: 1.0 -> 0.5",)
    assert changed["curve redness"] == ("another score redness",)
    assert "fit redness" not in changed
    assert "score salient" not in changed
    titles = run(generators=generators)
    assert set(titles) == set(changed)


def test_a_changed_seed_is_named(plan, run):
    run()
    assert reasons(plan(seeds=[1]))["fit redness"] == ("seed 0 -> 1",)


def test_changed_data_come_before_what_follows_them(plan, run):
    run()
    changed = reasons(plan(dataset={"name": "in_memory", "count": 14}))
    assert changed["data in_memory"] == (
        "count: 12 -> 14",
        'fingerprint: "fake-12-0" -> "fake-14-0"',
    )
    assert changed["score redness"] == ("another data in_memory", "another fit redness")


def recipe(**changed):
    plain = {"kind": "fit", "name": "one", "options": {}, "code": {}, "inputs": {}}
    return {**plain, **changed}


def fit(options):
    return Stage("fit", "one", None, options)


@pytest.mark.parametrize(
    ("before", "stage", "expected"),
    [
        ({"options": {"a": 1, "seed": 0}}, fit({"seed": 1, "a": 2}), ("a: 1 -> 2", "seed 0 -> 1")),
        ({"options": {"a": {"b": 1}}}, fit({"a": {"b": 2}}), ("a.b: 1 -> 2",)),
        ({}, fit({"new": True}), ("new: null -> true",)),
        ({"code": {"wsss_harness.masks": "1"}}, fit({}), ("source of wsss_harness.masks",)),
        ({"inputs": {"data": "1", "a": "1"}}, fit({}), ("another data", "another a")),
    ],
)
def test_changes_are_options_then_seed_then_source_then_inputs(before, stage, expected):
    assert changes(recipe(**before), stage) == expected


def test_tuples_are_lists_in_a_record():
    (change,) = changes(recipe(options={"scales": [1.0]}), fit({"scales": (1.0,)}))
    assert change == "its record was edited"


def test_of_several_earlier_stages_the_most_alike_says_why(plan, run):
    run(generators={"R": {"name": "redness", "reads": "present"}, "S": {"name": "salient"}})
    run(generators={"R": {"name": "redness", "value": 0.3}, "S": {"name": "salient"}}, seeds=[3])
    generators = {"R": {"name": "redness", "reads": "image"}, "S": {"name": "salient"}}
    assert reasons(plan(generators=generators))["fit redness"] == ('reads: "present" -> "image"',)


def folder_of(plan, tmp_path, title):
    (stage,) = (p.stage for p in plan.stages if p.stage.title == title)
    return small_suite.store(tmp_path / "store").folder(stage)


def test_a_lost_file_is_named(plan, run, tmp_path):
    run()
    (folder_of(plan(), tmp_path, "curve redness") / CURVE).unlink()
    assert reasons(plan())["curve redness"] == (f"{CURVE} is missing",)


def test_a_stage_that_was_begun_is_told_from_one_that_was_never_made(plan, run, tmp_path):
    run()
    (folder_of(plan(), tmp_path, "curve redness") / MANIFEST).unlink()
    assert reasons(plan())["curve redness"] == ("started, not finished",)


def test_estimates_come_from_whole_runs_of_the_same_stage(plan, run, tmp_path):
    run()
    place = folder_of(plan(), tmp_path, "fit redness") / MANIFEST
    manifest = read_json(place)
    write_json(place, manifest | {"cost": manifest["cost"] | {"wall_seconds": 7.5, "bytes": 40}})
    (again,) = (p for p in plan(seeds=[1]).to_do if p.stage.title == "fit redness")
    assert (again.seconds, again.bytes) == (7.5, 40)
    write_json(place, manifest | {"cost": manifest["cost"] | {"continued": True}})
    (again,) = (p for p in plan(seeds=[1]).to_do if p.stage.title == "fit redness")
    assert (again.seconds, again.bytes) == (None, None)


def test_people_read_a_tree_and_a_sum(plan, run):
    run()
    console = Console(record=True, width=100)
    print_plan(plan(seeds=[0, 1]), "Small", console)
    text = console.export_text()
    assert "done  fit redness (seed 0)" in text
    assert "to do fit redness (seed 1)  seed 0 -> 1" in text
    assert "to do score redness  follows, " in text
    assert re.search(r"to do\nabout \d", text)


def test_a_finished_plan_says_so(plan, run):
    run()
    console = Console(record=True, width=100)
    print_plan(plan(), "Small", console)
    assert "nothing to do" in console.export_text()


@pytest.mark.parametrize(
    ("seconds", "words"), [(4.24, "4.2 s"), (61, "61 s"), (170, "3 min"), (7800, "2 h 10 min")]
)
def test_durations_are_told_as_people_do(seconds, words):
    assert duration(seconds) == words


def test_what_is_damaged_and_not_needed_is_not_to_do(plan, run, tmp_path):
    run()
    path = folder_of(plan(), tmp_path, "score redness")
    next(path.glob("*.scores")).unlink()
    spare = [planned for planned in plan().stages if not planned.done]
    assert {planned.stage.title for planned in spare} == {"score redness"}
    assert not any(planned.needed for planned in spare)
    assert plan().to_do == ()
    assert run() == []


@pytest.mark.parametrize("year", [1971, 2101])
def test_a_clock_that_jumps_changes_nothing(plan, run, tmp_path, year):
    run()
    then = (year - 1970) * 365 * 24 * 3600
    for path in (tmp_path / "store").rglob("*"):
        os.utime(path, (then, then))
    assert plan().to_do == ()
    assert run() == []
