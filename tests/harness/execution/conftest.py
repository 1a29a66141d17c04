"""Fixtures that run the small suite in this process."""

import pytest
import small_suite
from small_suite import RAN

from wsss_harness.execution.engine import Engine
from wsss_harness.execution.run import prepare_suite, run_suite
from wsss_harness.suite.graph import Graph
from wsss_leaderboard.records.collect import Collector


@pytest.fixture(autouse=True)
def forget_runs():
    RAN.clear()


@pytest.fixture(scope="module")
def plugins():
    return small_suite.plugins()


@pytest.fixture
def run(tmp_path, plugins):
    """Run a suite in a store and give its outcomes by method, with the store."""

    def run(folder=tmp_path, **changes):
        store, suite = small_suite.store(folder), small_suite.suite(**changes)
        dataset = prepare_suite(suite, plugins, Engine(store))
        outcomes = {o.row.row.method: o for o in run_suite(suite, plugins, Engine(store), dataset)}
        return outcomes, store, Collector(suite, store, dataset, Graph(suite, plugins, 0))

    return run
