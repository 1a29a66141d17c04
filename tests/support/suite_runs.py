"""Runs of small suites in this process, with what tests ask of them."""

import small_suite

from wsss_harness.execution.engine import Engine
from wsss_harness.execution.run import prepare_suite, run_suite
from wsss_harness.suite.graph import Graph
from wsss_leaderboard.records.collect import Collector


def run_rows(folder, **changes):
    """The stages and the record of each row of a suite by its method, and the store."""
    store, suite = small_suite.store(folder), small_suite.suite(**changes)
    plugins = small_suite.plugins()
    dataset = prepare_suite(suite, plugins, Engine(store))
    collector = Collector(suite, store, dataset, Graph(suite, plugins, 0))
    done = run_suite(suite, plugins, Engine(store), dataset)
    return {o.row.row.method: (o.row, collector.record(o)) for o in done}, store
