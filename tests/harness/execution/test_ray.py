"""Suites on a Ray cluster: the same bytes as here, whatever becomes of a node."""

import json
import shutil
import subprocess
import sys
from collections import Counter

import pytest
import ray_cluster
import small_suite
from commands import output_of, products

from wsss_harness.contract.errors import ConfigError
from wsss_harness.execution.engine import Engine
from wsss_harness.execution.executors import ray as ray_executor
from wsss_harness.execution.executors.ray import Ray
from wsss_harness.execution.run import prepare_suite, run_suite

ALONE = ["unshare", "-n", "sh", "-c", 'ip link set lo up && exec "$@"', "sh"]


@pytest.fixture(scope="module")
def namespace():
    """Words that run a command where only this machine can be reached: Ray takes any address."""
    if not shutil.which("unshare") or subprocess.run([*ALONE, "true"], check=False).returncode:
        pytest.skip("no network namespace can be made here; it needs root and ip")
    return ALONE


@pytest.mark.slow
def test_cluster_that_loses_a_node_makes_the_same_bytes(namespace, tmp_path):
    words = [*namespace, sys.executable, ray_cluster.__file__, tmp_path / "ray"]
    report = json.loads(output_of(*words, seconds=300).splitlines()[-1])
    assert report["nodes"] == ray_cluster.NODES - 1
    assert report["failures"] == []
    finished = Counter(key for kind, _, key in report["events"] if kind == "finished")
    assert set(finished.values()) == {1}
    assert not [line for line in report["check"] if not line.startswith("ok")]
    assert len(report["check"]) >= 8

    suite, plugins = small_suite.suite(**ray_cluster.SUITE), small_suite.plugins()
    engine = Engine(small_suite.store(tmp_path / "here"))
    dataset = prepare_suite(suite, plugins, engine)
    outcomes = list(run_suite(suite, plugins, engine, dataset))
    assert not any(outcome.failure for outcome in outcomes)
    assert products(tmp_path / "ray") == products(tmp_path / "here")


def test_missing_ray_says_what_to_install(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(ConfigError, match=r"not installed; install wsss-bench\[ray\]"):
        Ray().start(tmp_path).__enter__()


def test_node_that_does_not_see_the_store_is_named(tmp_path):
    with pytest.raises(ConfigError, match=r"node far .* does not see .*; put the store on a file"):
        ray_executor.check_node("far", tmp_path, False, ray_executor.versions())


def test_node_with_another_version_is_named(tmp_path):
    other_versions = {**ray_executor.versions(), "torch": "1.0"}
    with pytest.raises(ConfigError, match=r"node far .* has torch 1\.0, and this machine has"):
        ray_executor.check_node("far", tmp_path, True, other_versions)


@pytest.mark.parametrize(
    ("nodes", "options", "heavy", "light"),
    [
        ([{"CPU": 1.0}] * 3, {}, 3, 3),
        ([{"CPU": 8.0}, {"CPU": 3.0}], {}, 2, 11),  # 4 threads fit twice on the first node
        ([{"CPU": 16.0, "GPU": 4.0}, {"CPU": 16.0}], {}, 4, 32),
        ([{"CPU": 16.0, "GPU": 2.0}], {"gpus": 0.5}, 4, 16),
        ([{"CPU": 16.0, "GPU": 4.0}], {"jobs": 2}, 2, 16),
        ([{"GPU": 1.0}], {}, 1, 1),
    ],
)
def test_pool_is_as_wide_as_jobs_fit_on_nodes(monkeypatch, nodes, options, heavy, light):
    monkeypatch.setattr(ray_executor.RayPool, "_nodes", nodes)
    pool = ray_executor.RayPool(Ray(**options))
    assert (pool.width(True), pool.width(False)) == (heavy, light)
    assert 0 < pool.share(True) <= 1
