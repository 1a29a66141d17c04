"""Methods with an environment of their own, whose plugin and library are only there."""

import json
import os
import re
import signal
import time
from importlib.metadata import PackageNotFoundError, version

import environments
import pytest
import small_suite
from commands import PLUGIN, command, events_of, products, wait_for
from slow import slow_but

from wsss_harness.contract.errors import ConfigError, PluginError
from wsss_harness.execution.engine import Engine
from wsss_harness.execution.executors.inline import Inline
from wsss_harness.execution.executors.local import Local
from wsss_harness.execution.job import Policy
from wsss_harness.execution.run import prepare_suite, run_suite
from wsss_harness.plugins import elsewhere
from wsss_harness.stages.products import score_reader
from wsss_harness.store.manifest import MANIFEST
from wsss_harness.store.stage import upstream
from wsss_harness.store.store import Store, version_warnings
from wsss_harness.suite.graph import Graph
from wsss_harness.suite.reading import read_suite
from wsss_harness.system.limits import Limits
from wsss_leaderboard.records.collect import Collector

OLD = "old/bin/python"
RULE = {"name": "constant", "threshold": 0.3}
ROW = {"method": "O", "generator": "O", "rule": RULE}


@pytest.fixture(autouse=True)
def in_processes(monkeypatch):
    monkeypatch.setenv("WSSS_PLUGIN_PATH", str(PLUGIN))
    yield
    elsewhere.end_all()


def content(rows=(ROW,), **options):
    generators = {"O": {"name": "old", "environment": OLD, **options}, "R": {"name": "redness"}}
    return {"generators": generators, "rows": list(rows)}


def written(folder, **changes):
    environments.environment(folder / "old")
    path = folder / "small.json"
    path.write_text(json.dumps(small_suite.content(**changes)))
    return read_suite(path)


def graph(folder, **changes):
    return Graph(written(folder, **changes), small_suite.plugins(), 0)


@pytest.fixture
def run(tmp_path):
    """Run a suite; gives its outcomes by method, its store, and what collects its records."""

    def run(executor=None, limits=None, store="store", policy=None, **changes):
        suite, plugins = written(tmp_path, **changes), small_suite.plugins()
        kept = Store(tmp_path / store, limits=limits or Limits())
        engine = Engine(kept, executor or Inline(), policy or Policy())
        with engine.session():
            dataset = prepare_suite(suite, plugins, engine)
            outcomes = {o.row.row.method: o for o in run_suite(suite, plugins, engine, dataset)}
        collector = Collector(suite, engine.store, dataset, Graph(suite, plugins, 0))
        return outcomes, engine.store, collector

    return run


def test_method_runs_where_its_library_is_and_the_rest_here(run):
    """Each kind of method, in one row."""
    changes = content([{**ROW, "refiners": ["r", "m"], "segmentors": ["s"]}])
    for kind, label, name in (
        ("refiners", "r", "old_refiner"),
        ("mask_refiners", "m", "old_mask_refiner"),
        ("segmentors", "s", "old_segmentor"),
    ):
        changes[kind] = {label: {"name": name, "environment": OLD}}
    outcomes, store, collector = run(**changes)
    assert outcomes["O"].failure is None
    with pytest.raises(PackageNotFoundError):
        version("olddep")
    made_in = {}
    for stage in upstream(*outcomes["O"].row.targets):
        made_in[stage.kind] = store.environment(stage).get("olddep")
    of_methods = {"fit", "score", "refine", "remask", "segment", "predict"}
    assert made_in == {kind: "1.0" if kind in of_methods else None for kind in made_in}
    assert of_methods < made_in.keys()
    record = collector.record(outcomes["O"])
    fit = next(step for step in record.steps if step.stage.startswith("fit old"))
    assert fit.environment["olddep"] == "1.0"
    assert fit.options["environment"] == OLD
    assert record.plugins["generator old"] == "old_method 0.1"
    (image_id, *_), scored = small_suite.FakeDataset(12).ids("train"), outcomes["O"].row.scores
    halved, scores = (
        score_reader(store.folder(s))(image_id).values for s in (scored, scored.inputs["scores"])
    )
    assert halved == pytest.approx(scores / 2, abs=0.01)
    assert 0.1 < scores.max() < 0.51


@pytest.mark.slow
def test_workers_and_shards_make_the_same_bytes(run, tmp_path):
    run(store="inline", **content())
    policy = Policy(shards=2, deterministic=True, processes=2)
    outcomes, store, _ = run(Local(jobs=2), store="local", policy=policy, **content())
    made_in = store.environment(outcomes["O"].row.scores)
    assert (made_in["deterministic"], made_in["threads"]) == ("true", "1")
    inline, local = products(tmp_path / "inline"), products(tmp_path / "local")
    assert inline.keys() == local.keys()
    assert [name for name in inline if inline[name] != local[name]] == [
        name for name in inline if name.endswith("pid.txt")
    ]


FAILURES = {
    "dies": ("WorkerDied", "was killed, perhaps because memory ran out"),
    "truth": ("SupervisionError", "never see the truth"),
    "writes": ("PluginError", r"tried to write .*stray\.txt"),
    "hangs": ("TimeLimitReached", "time limit of 5 s"),
}


@pytest.mark.parametrize("how", slow_but("dies", cases=FAILURES))
def test_failure_there_is_named_and_fails_one_row(run, how):
    limits = Limits(by_kind={"fit": 5}) if how == "hangs" else None
    options = {"pause": 600} if how == "hangs" else {"how": how}
    rows = [ROW, {"method": "R", "generator": "R", "rule": RULE}]
    started = time.monotonic()
    outcomes, store, _ = run(limits=limits, **content(rows, **options))
    kind, message = FAILURES[how]
    failure = outcomes["O"].failure
    assert failure.kind == kind
    assert failure.stage == "fit old"
    assert re.search(message, str(failure))
    assert outcomes["R"].failure is None
    assert time.monotonic() - started < 500
    assert not (store.root / "fit/stray.txt").exists()


def test_interrupt_leaves_no_process_there(tmp_path):
    environments.environment(tmp_path / "old")
    process = command(tmp_path, **content(pause=600))
    pids = tmp_path / "runs/fit"
    wait_for(lambda: list(pids.glob("old-*/pid.txt")))
    (file,) = pids.glob("old-*/pid.txt")
    wait_for(file.read_text)
    process.send_signal(signal.SIGINT)
    _, err = events_of(process)
    assert process.returncode == 130
    assert "run the same command again to go on" in err
    wait_for(lambda: not lives(int(file.read_text())))


@pytest.mark.slow
def test_killed_run_leaves_no_process_there(tmp_path):
    environments.environment(tmp_path / "old")
    process = command(tmp_path, executor="inline", **content(pause=600))
    wait_for(lambda: [p for p in tmp_path.glob("runs/fit/old-*/pid.txt") if p.read_text()])
    (file,) = tmp_path.glob("runs/fit/old-*/pid.txt")
    process.kill()
    process.communicate()
    wait_for(lambda: not lives(int(file.read_text())))


def lives(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


# Keys, and questions before work


def test_one_plugin_in_two_environments_is_two_stages(tmp_path):
    generators = {"here": {"name": "redness"}, "there": {"name": "redness", "environment": OLD}}
    rows = [{"method": label, "generator": label} for label in generators]
    stages = graph(tmp_path, generators=generators, rows=rows)
    here, there = (stages.generated(label).inputs["fit"] for label in generators)
    assert here.key != there.key
    assert {**here.recipe["options"], "environment": OLD} == there.recipe["options"]
    assert here.recipe["code"] == there.recipe["code"]


def test_another_version_there_is_reused_with_a_warning(run, tmp_path):
    outcomes, store, _ = run(**content())
    stages = list(upstream(*outcomes["O"].row.targets))
    assert not list(version_warnings(stages, store))
    environments.install_olddep(tmp_path / "old/site", "1.1")
    assert all(map(Store(store.root).done, stages))
    (warning,) = version_warnings(stages, store)
    assert "2 finished stages were made with olddep 1.0; 1.1 is installed" in warning


def test_source_of_the_plugin_there_is_in_the_key(tmp_path):
    before = graph(tmp_path, **content()).generated("O").key
    assert graph(tmp_path, **content()).generated("O").key == before
    edited = environments.PLUGIN.replace("/ 255", "/ 256")
    environments.environment(tmp_path / "old", plugin=edited)
    elsewhere.end_all()
    path = tmp_path / "small.json"
    assert Graph(read_suite(path), small_suite.plugins(), 0).generated("O").key != before


def test_option_that_does_not_count_there_changes_no_key(tmp_path):
    before = graph(tmp_path, **content()).generated("O")
    late = graph(tmp_path, **content(value=0.5)).generated("O")
    assert late.key != before.key
    assert late.inputs["fit"].key == before.inputs["fit"].key
    assert graph(tmp_path, **content(pause=3.0)).generated("O").key == before.key


def test_shared_option_reaches_a_method_there(tmp_path):
    changes = {**content(), "shared": {"width": 7}}
    assert graph(tmp_path, **changes).generator_options("O") == {"width": 7}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"size": 3}, r"environment 'old/bin/python' .*has no option 'size'.*width"),
        (
            {"width": "wide"},
            r"option 'width' of generator 'old' is 'wide'; expected a whole number",
        ),
        ({"name": "older"}, r"environment 'old/bin/python' .*no generator is named 'older'"),
    ],
)
def test_wrong_option_or_name_is_refused_before_work(tmp_path, changes, message):
    with pytest.raises(ConfigError, match=message):
        graph(tmp_path, **content(**changes)).generated("O")


def test_missing_environment_is_refused_before_work(run, tmp_path):
    changes = content()
    changes["generators"]["O"]["environment"] = "nowhere/python"
    with pytest.raises(ConfigError, match=r"'nowhere/python' .*cannot be started"):
        run(**changes)
    assert not list(tmp_path.glob(f"store/*/*/{MANIFEST}"))


def test_dataset_that_is_not_installed_there_is_refused_before_work(tmp_path, monkeypatch):
    stages = graph(tmp_path, **content())
    monkeypatch.delenv("WSSS_PLUGIN_PATH")
    with pytest.raises(ConfigError, match=r"cannot load .*small_suite.*that of the dataset"):
        _ = stages.generated("O").key


def test_stand_in_cannot_be_called_here(tmp_path):
    method, _ = graph(tmp_path, **content()).fitted("O")
    with pytest.raises(PluginError, match="'load' of its plugins can be called only there"):
        method.plugin.load(tmp_path, "cpu")
