"""A method, metric or disk that fails costs the rows that need it and no others."""

import re

import numpy as np
import pytest
import small_suite
from small_suite import count_equal, read_equal

from wsss_harness.contract.errors import DataError
from wsss_harness.contract.hookspecs import Metric, hookimpl
from wsss_harness.contract.types import ClassScores
from wsss_harness.execution.engine import Engine
from wsss_harness.execution.run import prepare_suite, run_suite
from wsss_harness.execution.run_stage import make_stage
from wsss_harness.suite.graph import Graph
from wsss_leaderboard.records.collect import Collector
from wsss_leaderboard.tables import notes


@pytest.mark.parametrize(
    ("generator", "message"),
    [
        ({"name": "redness", "reads": "saliency"}, "generator 'redness' read 'saliency' of image"),
        ({"name": "truthful"}, "generator 'truthful' read 'truth'"),
        ({"name": "redness", "value": 2.0}, "scores must be finite and lie in"),
        ({"name": "faulty"}, "gave scores for image image_000 from nan to nan; scores must be"),
        ({"name": "faulty", "how": "bug"}, "'faulty' failed on image image_000: IndexError: 7"),
        ({"name": "faulty", "how": "array"}, "gave ndarray for image image_000; expected Class"),
        ({"name": "faulty", "how": "shape"}, r"size \(23, 32\) for image image_000, which is \(24"),
        ({"name": "faulty", "how": "elsewhere"}, r"tried to write .*answers\.txt; a plugin writes"),
    ],
)
def test_bad_generator_fails_only_its_row(run, generator, message):
    generators = {"R": {"name": "redness"}, "bad": generator}
    rows = [{"method": "bad", "generator": "bad"}, {"method": "R", "generator": "R"}]
    outcomes, _, collector = run(generators=generators, rows=rows)
    failed = collector.record(outcomes["bad"])
    assert failed.masks is None
    assert re.search(message, failed.failure.message)
    assert failed.failure.stage.split()[0] in ("fit", "score")
    assert failed.failure.kind in ("SupervisionError", "PluginError")
    assert failed.failure.kind in failed.failure.log_tail[-1]
    assert outcomes["R"].failure is None


def test_full_disk_between_stages_fails_only_its_row(run, monkeypatch, tmp_path):
    def full(stage, store, *, wait):
        if stage.kind == "mask":
            raise OSError(28, "No space left on device")
        return make_stage(stage, store, wait=wait)

    monkeypatch.setattr("wsss_harness.execution.job.make_stage", full)
    outcomes, _, _ = run(tmp_path / "full")
    assert outcomes["R"].failure.kind == "OSError"
    assert "the disk is full; free space below" in str(outcomes["R"].failure)
    assert outcomes["All background"].failure is None


def test_missing_saliency_map_fails_only_rows_that_read_it(run, monkeypatch):
    def missing(self, image_id):
        raise DataError(f"saliency/{image_id}.png is missing")

    monkeypatch.setattr(small_suite.FakeDataset, "saliency", missing)
    outcomes, _, collector = run()
    failed = {method for method, outcome in outcomes.items() if outcome.failure}
    assert failed == {"S", "Saliency, R's classes", "Saliency, true classes"}
    assert collector.record(outcomes["R"]).saliency is None


def test_mask_with_unknown_class_names_the_segmentor(run, monkeypatch):
    def load(self, folder, device):
        return lambda sample: np.full(sample.image.shape[:2], 9, np.uint8)

    monkeypatch.setattr(small_suite.CopiesMostCommon, "load", load)
    outcomes, _, _ = run()
    assert "segmentor 'one' gave a mask" in str(outcomes["R"].failure)
    assert "expected uint8 (24, 32) with 0..2 or 255" in str(outcomes["R"].failure)


def test_score_of_an_absent_class_names_the_generator(run, monkeypatch):
    def load(self, folder, device):
        return lambda sample: ClassScores((9,), np.zeros((1, 24, 32), np.float32))

    monkeypatch.setattr(small_suite.Redness, "load", load)
    outcomes, _, _ = run()
    assert "generator 'redness' scored class 9 in image image_000" in str(outcomes["R"].failure)


def plugins_with_metric(monkeypatch, **functions):
    """The metric of the plugin, with another ``count`` or ``read``."""
    metric = Metric(**{"count": count_equal, "read": read_equal, **functions})
    monkeypatch.setattr(
        small_suite.Plugin, "wsss_metrics", hookimpl(lambda self: {"equal": metric})
    )
    return small_suite.plugins()


def test_metric_that_fails_to_count_leaves_other_numbers(run, monkeypatch, tmp_path):
    def count(truth, mask, classes, context):
        raise KeyError("boom")

    count.__module__ = small_suite.__name__  # whose source is in the key
    plugins = plugins_with_metric(monkeypatch, count=count)
    store, suite = small_suite.store(tmp_path), small_suite.suite()
    dataset = prepare_suite(suite, plugins, Engine(store))
    outcomes = {o.row.row.method: o for o in run_suite(suite, plugins, Engine(store), dataset)}
    record = Collector(suite, store, dataset, Graph(suite, plugins, 0)).record(outcomes["R"])
    assert "metric 'equal' failed on image image_000: KeyError: 'boom'" in record.failure.message
    assert record.masks.score.miou > 0
    assert record.segmentations


@pytest.mark.parametrize(
    ("read", "error"),
    [
        (lambda *_: 1 / 0, "ZeroDivisionError"),
        (lambda *_: {"equal": float("nan")}, "ValueError"),
        (lambda *_: {"equal": object()}, "TypeError"),
        (lambda *_: None, "TypeError"),
    ],
)
def test_metric_that_cannot_be_read_leaves_other_numbers(monkeypatch, tmp_path, read, error):
    plugins = plugins_with_metric(monkeypatch, read=read)
    store, suite = small_suite.store(tmp_path), small_suite.suite()
    dataset = prepare_suite(suite, plugins, Engine(store))
    outcomes = {o.row.row.method: o for o in run_suite(suite, plugins, Engine(store), dataset)}
    record = Collector(suite, store, dataset, Graph(suite, plugins, 0)).record(outcomes["R"])
    assert record.masks.score.miou > 0
    assert error in record.masks.more["equal"]["error"]
    (note,) = notes.failures([record])
    assert "metric 'equal' could not be read from its counts" in note
