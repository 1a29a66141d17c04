"""How stages are made: words of the command become limits, policies and an executor."""

import json

import pytest
import small_suite
from commands import PLUGIN

from wsss_harness.contract.errors import ConfigError
from wsss_harness.execution.engine import Engine, RunOptions, limits_of
from wsss_harness.execution.executors.inline import Inline
from wsss_harness.execution.executors.local import Local, jobs_on, visible_gpus
from wsss_harness.execution.job import Policy
from wsss_harness.execution.run import make_kind
from wsss_harness.plugins.registry import load
from wsss_harness.store.manifest import MANIFEST


@pytest.mark.parametrize(
    ("words", "of_fit", "of_score"),
    [
        ((), None, None),
        (("60",), 60, 60),
        (("fit=7200",), 7200, None),
        (("60", "fit=7200"), 7200, 60),
    ],
)
def test_time_limit_of_a_kind_precedes_the_general_one(words, of_fit, of_score):
    limits = limits_of(words, None)
    assert limits.seconds_of("fit") == of_fit
    assert limits.seconds_of("score") == of_score


@pytest.mark.parametrize("word", ["", "fit=", "fit=soon", "0", "nan", "-1"])
def test_invalid_time_limit_is_refused(word):
    with pytest.raises(ConfigError, match=r"--time-limit .*expected seconds, 1 or more"):
        limits_of([word], None)


def test_memory_limit_is_in_gigabytes():
    assert limits_of((), 1.5).memory == 1_500_000_000


@pytest.mark.parametrize(
    ("options", "executor"),
    [
        (RunOptions(), Local()),
        (RunOptions(executor_options={"jobs": 3}), Local(jobs=3)),
        (RunOptions(policy=Policy(deterministic=True)), Local(threads=1)),
        (
            RunOptions(policy=Policy(processes=2), executor_options={"jobs": 1}),
            Local(jobs=1, gpus=2),
        ),
        (RunOptions("inline", policy=Policy(deterministic=True, processes=2)), Inline()),
    ],
)
def test_executor_gets_its_options_and_those_implied_by_the_policy(tmp_path, options, executor):
    assert options.engine(tmp_path, load(())).executor == executor


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (RunOptions("lokal"), "no executor is named 'lokal'; did you mean 'local'"),
        (
            RunOptions(executor_options={"job": 2}),
            r"--executor-set job: executor 'local' has no option 'job'; did you mean 'jobs'",
        ),
        (
            RunOptions(executor_options={"jobs": "two"}),
            "--executor-set jobs is 'two'; expected a whole number",
        ),
    ],
)
def test_unknown_executor_or_option_is_refused(tmp_path, options, message):
    with pytest.raises(ConfigError, match=message):
        options.engine(tmp_path, load(()))


@pytest.mark.parametrize(
    ("visible", "gpus"), [("", []), ("0", ["0"]), ("2,5", ["2", "5"]), ("GPU-1a", ["GPU-1a"])]
)
def test_visible_gpus_follow_the_environment(monkeypatch, visible, gpus):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    assert visible_gpus() == gpus


@pytest.mark.parametrize(
    ("options", "gpus", "width", "groups"),
    [
        ({"jobs": 3}, "", 3, []),
        ({}, "0,1,2,3", 4, ["0", "1", "2", "3"]),
        ({"gpus": 2}, "0,1,2,3", 2, ["0,1", "2,3"]),
        ({"jobs": 8}, "0,1", 8, ["0", "1"]),
    ],
)
def test_gpus_are_grouped_by_job(monkeypatch, tmp_path, options, gpus, width, groups):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", gpus)
    with Local(**options).start(tmp_path) as pool:
        assert pool.width(heavy=True) == width
        assert pool._gpus == groups
        assert 0 < pool.share(heavy=True) <= 1 / width


@pytest.mark.parametrize(
    ("cores", "gigabytes", "jobs"), [(1, 64, 1), (2, 64, 2), (16, 64, 4), (16, 9, 2), (16, 1, 1)]
)
def test_jobs_on_a_cpu_follow_from_cores_and_free_memory(cores, gigabytes, jobs):
    assert jobs_on(cores, gigabytes * 2**30) == jobs


def test_deterministic_stage_records_one_thread(monkeypatch, tmp_path):
    monkeypatch.setenv("WSSS_PLUGIN_PATH", str(PLUGIN))
    store, plugins = small_suite.store(tmp_path), small_suite.plugins()
    engine = Engine(store, Local(threads=2), Policy(deterministic=True))
    assert make_kind(small_suite.suite(), plugins, engine, "fit")[1] == []
    (path, *_) = tmp_path.glob(f"fit/*/{MANIFEST}")
    environment = json.loads(path.read_text())["environment"]
    assert environment["deterministic"] == "true"
    assert environment["threads"] == "1"


@pytest.mark.parametrize(
    ("options", "message"),
    [({"jobs": -1}, "--executor-set jobs=-1: expected 0 or more"), ({"threads": -2}, "threads=-2")],
)
def test_negative_executor_option_is_refused(tmp_path, options, message):
    with pytest.raises(ConfigError, match=message):
        RunOptions(executor_options=options).engine(tmp_path, load(()))
