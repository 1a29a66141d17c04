"""The table of masks that a run shows before refiners and segmentors are done."""

import io

import pytest
import small_suite
from rich.console import Console

from wsss_harness.execution.engine import Engine
from wsss_harness.execution.run import prepare_suite, run_suite
from wsss_harness.store.manifest import MANIFEST
from wsss_harness.suite.graph import Graph
from wsss_leaderboard.cli.report import print_first
from wsss_leaderboard.records.collect import Collector

RULE = {"name": "constant", "threshold": 0.5}


@pytest.fixture
def shown(tmp_path):
    """Run the small suite again; gives what was shown, and whose masks, each time."""
    refined = {"method": "R + half", "generator": "R", "refiners": ["half"], "rule": RULE}
    rows = [*small_suite.content()["rows"], refined]
    suite, plugins = small_suite.suite(rows=rows), small_suite.plugins()

    def run():
        store = small_suite.store(tmp_path)
        dataset = prepare_suite(suite, plugins, Engine(store))
        collector = Collector(suite, store, dataset, Graph(suite, plugins, 0))
        methods, out = [], io.StringIO()

        def first(rows):
            methods.extend(row.row.method for row in rows.values())
            print_first(collector, Console(file=out, width=80), rows)

        outcomes = list(run_suite(suite, plugins, Engine(store), dataset, first=first))
        return outcomes, methods, out.getvalue(), store

    return run


def test_masks_are_shown_while_a_segmentor_is_left(shown):
    outcomes, *_, store = shown()
    segmentation = next(s for outcome in outcomes for s in outcome.row.segmentations)
    (store.folder(segmentation.counts) / MANIFEST).unlink()
    _, methods, text, _ = shown()
    assert methods[:3] == ["R", "S", "Saliency, R's classes"]
    assert "R + half" not in methods
    assert text.startswith("So far: mIoU in percent, masks on 6 train images")
    assert segmentation.label not in text.split("\n")[1]
    assert "Masks: " in text


def test_nothing_is_shown_twice(shown):
    shown()
    _, methods, text, _ = shown()
    assert (methods, text) == ([], "")
