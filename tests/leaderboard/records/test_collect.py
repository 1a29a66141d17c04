"""What a run leaves: records with their counts, from which its tables are made."""

import numpy as np
import pytest
import small_suite

from wsss_harness.execution.engine import Engine
from wsss_harness.execution.run import prepare_suite, run_suite
from wsss_harness.metrics import EVALUATOR
from wsss_harness.suite.graph import Graph
from wsss_harness.suite.reading import check_suite
from wsss_leaderboard.cli.report import tables
from wsss_leaderboard.ranking import entries
from wsss_leaderboard.records import counts
from wsss_leaderboard.records.collect import Collector
from wsss_leaderboard.statistics import estimates


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """A folder of results, and the suite that was run."""
    folder = tmp_path_factory.mktemp("collect")
    store, suite = small_suite.store(folder / "store"), small_suite.suite(seeds=[0, 1])
    plugins = small_suite.plugins()
    dataset = prepare_suite(suite, plugins, Engine(store))
    collector = Collector(suite, store, dataset, Graph(suite, plugins, 0))
    for outcome in run_suite(suite, plugins, Engine(store), dataset):
        collector.save(outcome, folder / "results" / "records")
    return folder / "results", suite


def of(loaded, method):
    return next(run for run in loaded if run.record.method == method)


def test_a_record_can_be_run_again_from_what_it_holds(results):
    folder, suite = results
    record = of(entries.load([folder]), "R").record
    assert check_suite(record.definition, "a record") == suite
    assert record.protocol.evaluator == EVALUATOR
    assert {step.stage.split()[0] for step in record.steps} >= {"data", "fit", "score", "mask"}
    assert all(step.products and step.cost and step.environment for step in record.steps)
    assert record.plugins["generator redness"]


@pytest.mark.parametrize("target", ["", "one"])
def test_scores_and_intervals_are_those_of_the_counts_beside(results, target):
    run = of(entries.load([results[0]]), "R")
    score, tallies = run.score(target), run.tallies[target]
    estimate = estimates.miou(tallies.counts)
    assert score.miou == pytest.approx(estimate.value, abs=1e-12)
    assert score.error == pytest.approx(estimate.error)
    assert score.t == (pytest.approx(estimate.t) if np.isfinite(estimate.t) else None)
    assert len(tallies.ids) == (run.record.protocol.val_images if target else 6)


def test_counts_have_the_same_bytes_each_time(results):
    folder, _ = results
    path = next((folder / "records").glob("*-r-seed0.json"))
    before = counts.path_of(path).read_bytes()
    counts.write(counts.path_of(path), counts.read(counts.path_of(path)))
    assert counts.path_of(path).read_bytes() == before


def test_all_tables_can_be_made_from_collected_records(results):
    by_name = dict(tables(entries.load([results[0]])))
    assert list(by_name) == [
        "summary",
        "masks",
        "failures",
        "segmentation",
        "anatomy",
        "gains",
        "further",
        "cost",
    ]
    names = [column.name for column in by_name["masks"].columns]
    assert names[4:9] == ["mIoU", "95 %", "ranks", "tie", "gap"]
    rows = {row.cells[0]: row.cells for row in by_name["masks"].rows}
    assert rows["Truth at stride 8"][names.index("gap")] == "100"
    assert rows["All background"][names.index("gap")] == "0"
