"""Stores in which the small suite was run, and their stages."""

import small_suite

from wsss_harness.execution.engine import Engine
from wsss_harness.execution.run import prepare_suite, run_suite
from wsss_harness.store import housekeeping
from wsss_harness.suite.suite_rows import plan_of


def run(root, plugins, **changes):
    """Run the small suite in a store; return the titles of the stages that were made."""
    store, suite = small_suite.store(root), small_suite.suite(**changes)
    dataset = prepare_suite(suite, plugins, Engine(store))
    outcomes = run_suite(suite, plugins, Engine(store), dataset)
    assert not any(outcome.failure for outcome in outcomes)
    return [event.stage for event in store.events if event.kind == "started"]


def planned_keys(root, plugins, **changes):
    plan = plan_of(small_suite.suite(**changes), plugins, small_suite.store(root))
    return {planned.stage.key for planned in plan.stages}


def stage_named(root, title):
    return next(stage for stage in housekeeping.stages(root) if stage.title == title)
