"""How stages are made: words of the command become limits, policies and an executor."""

import json

import pytest
import small_suite
from commands import PLUGIN

from wsss_harness.contract.errors import ConfigError
from wsss_harness.execution.engine import Engine
from wsss_harness.execution.executors.inline import Inline
from wsss_harness.execution.executors.local import Local, visible_gpus
from wsss_harness.execution.policy import Policy
from wsss_harness.execution.run import make_kind
from wsss_harness.execution.run_options import RunOptions, limits_of
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
def test_time_limits_for_all_stages_and_for_a_kind(words, of_fit, of_score):
    limits = limits_of(words, None)
    assert limits.seconds_of("fit") == of_fit
    assert limits.seconds_of("score") == of_score


@pytest.mark.parametrize("word", ["", "fit=", "fit=soon", "0", "nan", "-1"])
def test_a_time_limit_that_is_none_says_what_is_expected(word):
    with pytest.raises(ConfigError, match=r"--time-limit .*expected seconds, 1 or more"):
        limits_of([word], None)


def test_memory_is_told_in_gigabytes():
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
def test_an_executor_gets_its_options_and_what_follows_from_the_policy(tmp_path, options, executor):
    assert options.engine(tmp_path, load(())).executor == executor


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (RunOptions("lokal"), "no executor named 'lokal'; installed: inline, local, ray.*'local'"),
        (
            RunOptions(executor_options={"job": 2}),
            r"executor 'local' has no option 'job'. Its options: jobs = 0",
        ),
        (
            RunOptions(executor_options={"jobs": "two"}),
            "option 'jobs' of executor 'local' is 'two'; expected",
        ),
    ],
)
def test_a_wrong_executor_or_option_of_it_is_named(tmp_path, options, message):
    with pytest.raises(ConfigError, match=message):
        options.engine(tmp_path, load(()))


@pytest.mark.parametrize(
    ("visible", "gpus"), [("", []), ("0", ["0"]), ("2,5", ["2", "5"]), ("GPU-1a", ["GPU-1a"])]
)
def test_gpus_are_those_that_the_environment_leaves(monkeypatch, visible, gpus):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    assert visible_gpus() == gpus


@pytest.mark.parametrize(
    ("options", "gpus", "width", "groups"),
    [
        ({}, "", 1, []),
        ({"jobs": 3}, "", 3, []),
        ({}, "0,1,2,3", 4, ["0", "1", "2", "3"]),
        ({"gpus": 2}, "0,1,2,3", 2, ["0,1", "2,3"]),
        ({"jobs": 8}, "0,1", 8, ["0", "1"]),
    ],
)
def test_jobs_share_the_gpus(monkeypatch, tmp_path, options, gpus, width, groups):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", gpus)
    with Local(**options).start(tmp_path) as pool:
        assert pool.width(heavy=True) == width
        assert pool._gpus == groups
        assert 0 < pool.share(heavy=True) <= 1 / width


def test_a_deterministic_stage_runs_on_one_thread_and_says_so(monkeypatch, tmp_path):
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
def test_an_option_of_an_executor_that_makes_no_sense_is_refused(tmp_path, options, message):
    with pytest.raises(ConfigError, match=message):
        RunOptions(executor_options=options).engine(tmp_path, load(()))
