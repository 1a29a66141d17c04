"""A small suite on drawn scenes that was run, and submissions of its rows."""

import json
import shutil
from pathlib import Path

import small_suite

from wsss_harness.execution.engine import Engine
from wsss_harness.execution.run import prepare_suite, run_suite
from wsss_harness.store.layout import RECORDS
from wsss_harness.store.store import Store
from wsss_harness.suite.graph import Graph
from wsss_harness.suite.selection import Request
from wsss_leaderboard.records.collect import Collector
from wsss_leaderboard.submissions.checking import LocalResources, check_submission
from wsss_leaderboard.submissions.manifest import MANIFEST, digest_of_file
from wsss_leaderboard.submissions.writing import SuiteRun, write_submission

SUITE = """
title = "Small"
seeds = [0, 1]
held_out = 2
dataset = { name = "railscenes", train = 8, val = 3, width = 48, height = 36 }
generators.R = { name = "redness" }
generators.H = { name = "redness", value = 0.5 }
segmentors.one = { name = "most_common" }
rows = [
    { method = "R", generator = "R", rule = { threshold = 0.5 }, segmentors = ["one"] },
    { method = "Half", generator = "H", rule = { threshold = 0.2 } },
]
"""
PLUGINS = small_suite.plugins()
LAST = "measure one on redness"  # the last step of R


def run(folder):
    """Run the suite below a folder, without its controls; gives what ran."""
    path = folder / "small.toml"
    path.write_text(SUITE)
    ran = SuiteRun(Request(path), folder / "runs", PLUGINS)
    engine = Engine(ran.store)
    dataset = prepare_suite(ran.suite, PLUGINS, engine)
    collector = Collector(ran.suite, ran.store, dataset, Graph(ran.suite, PLUGINS, 0))
    wanted = [(row.method, seed) for row in ran.suite.rows for seed in ran.suite.seeds]
    for outcome in run_suite(ran.suite, PLUGINS, engine, dataset, wanted):
        assert not outcome.failure
        collector.save(outcome, ran.request.results(ran.root) / RECORDS)
    return ran


def submitted(ran, folder, method="R", **options):
    write_submission(ran, method, options.pop("seed", None), folder, **options)
    return folder


def copied(source, folder):
    shutil.copytree(source, folder)
    return folder


def reader(ran, **changes):
    """Somebody with the same plugins, and a store where the scenes are drawn already."""
    return LocalResources(PLUGINS, Store(ran.root), **changes)


def check(folder, ran, **changes):
    return check_submission(folder, reader(ran, **changes))


def edit(path, change):
    """Change the JSON of a file in place."""
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))


def renew(folder):
    """Give submission.json the sizes and digests of the files as they are now, as a cheat would."""

    def change(content):
        for name, file in content["files"].items():
            file |= {
                "sha256": digest_of_file(folder / name),
                "bytes": (folder / name).stat().st_size,
            }

    edit(folder / MANIFEST, change)


def record_of(folder, seed=0) -> Path:
    """The record of the row R."""
    return next((folder / RECORDS).glob(f"r-seed{seed}-*.json"))


def moved(record, **changes):
    """The record with another last step of the row."""
    steps = [
        step.model_copy(update=changes) if step.stage.startswith(LAST) else step
        for step in record.steps
    ]
    return record.model_copy(update={"steps": tuple(steps)})
