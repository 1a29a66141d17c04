"""Stores are listed, verified and pruned."""

import json
from pathlib import Path

import pytest
import small_suite
import typer
from filelock import FileLock
from small_store import planned_keys, run, stage_named

from wsss_harness.cli import store as store_commands
from wsss_harness.contract.errors import DataError
from wsss_harness.execution.engine import Engine
from wsss_harness.execution.run import prepare_suite, run_suite
from wsss_harness.store import housekeeping
from wsss_harness.store.manifest import MANIFEST
from wsss_harness.suite.graph import Graph
from wsss_harness.suite.selection import Request
from wsss_harness.system.files import read_json, write_json
from wsss_leaderboard.records.collect import Collector


def test_stages_are_listed_with_their_size(root, plugins):
    kept = housekeeping.stages(root)
    assert {stage.key for stage in kept} == planned_keys(root, plugins)
    fit = stage_named(root, "fit redness")
    assert fit.bytes == sum(p.stat().st_size for p in fit.folder.rglob("*") if p.is_file())


def test_results_and_foreign_folders_are_not_stages(root):
    (root / "results" / "mine" / "abcdefabcdef").mkdir(parents=True)
    (root / "notes" / "of-mine").mkdir(parents=True)
    kinds = {stage.kind for stage in housekeeping.stages(root)}
    assert "results" not in kinds
    assert "notes" not in kinds


def test_missing_store_is_an_error(tmp_path):
    with pytest.raises(DataError, match="there is no store"):
        housekeeping.stages(tmp_path / "none")


def test_intact_store_passes_verification(root, capsys):
    store_commands.verify_store(root)
    assert "no file damaged" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda folder: (folder / "curve.npz").write_bytes(b"other"), "curve.npz was changed"),
        (lambda folder: (folder / "curve.npz").unlink(), "curve.npz is missing"),
        (lambda folder: write_json(folder / MANIFEST, {}), "lacks 'cost'"),
    ],
)
def test_verification_names_a_damaged_stage_and_the_remedy(root, capsys, damage, message):
    folder = stage_named(root, "curve redness").folder
    damage(folder)
    with pytest.raises(typer.Exit):
        store_commands.verify_store(root)
    output = capsys.readouterr().out
    assert message in output
    assert f"delete {folder}" in output


def test_stages_that_no_suite_needs_are_removed(root, plugins):
    generators = {"R": {"name": "redness", "value": 0.5}, "S": {"name": "salient"}}
    run(root, plugins, generators=generators)
    needed = planned_keys(root, plugins)
    unneeded = housekeeping.unneeded(housekeeping.stages(root), needed)
    assert {stage.kind for stage in unneeded} >= {"score", "mask", "measure", "segment"}
    assert len(list(housekeeping.remove(unneeded))) == len(unneeded)
    assert {stage.key for stage in housekeeping.stages(root)} == needed
    assert run(root, plugins) == []


def test_stage_in_use_is_not_removed(root):
    stage = stage_named(root, "fit redness")
    with FileLock(stage.lock):
        assert list(housekeeping.remove([stage])) == []
    assert stage.folder.is_dir()


def test_unfinished_stage_of_a_suite_is_needed(root, plugins):
    (stage_named(root, "fit redness").folder / MANIFEST).unlink()
    assert housekeeping.unneeded(housekeeping.stages(root), planned_keys(root, plugins)) == []


@pytest.mark.parametrize("version", [1, 2])
def test_list_shows_sizes_by_kind_and_suite(root, plugins, version, capsys):
    fit = stage_named(root, "fit redness").key
    record = {"steps": [{"stage": "fit redness", "key": fit}]}
    if version == 1:
        record = {"stages": {"fit redness": fit}}
    write_json(root / "results" / "small" / "records" / "000.json", record)
    store_commands.list_store(root, as_json=True)
    content = json.loads(capsys.readouterr().out)
    assert content["suites"]["small"]["finished"] == 1
    assert content["all"]["bytes"] == sum(kind["bytes"] for kind in content["kinds"].values())
    (val,) = [truth for truth in content["scored"] if truth["split"] == "val"]
    assert (val["dataset"], val["images"], val["masks"]) == ("in_memory", 4, 1)
    store_commands.list_store(root)
    printed = capsys.readouterr().out
    assert "small" in printed
    assert "in_memory, train" in printed


def test_stages_of_recorded_runs_are_needed(root, plugins):
    request = Request(Path("small.toml"))
    suite, store = small_suite.suite(), small_suite.store(root)
    dataset = prepare_suite(suite, plugins, Engine(store))
    collector = Collector(suite, store, dataset, Graph(suite, plugins, 0))
    for outcome in run_suite(suite, plugins, Engine(store), dataset):
        collector.save(outcome, request.results(root) / "records")
    assert housekeeping.suites_of(root) == {"small": planned_keys(root, plugins)}


@pytest.mark.parametrize("content", [{}, [], {"steps": {"fit": "key"}}, {"stages": 7}])
def test_record_without_stages_stops_pruning(root, plugins, monkeypatch, content):
    monkeypatch.setattr(store_commands, "installed", lambda: plugins)
    write_json(root / "results" / "small" / "records" / "000.json", content)
    with pytest.raises(DataError, match=r"000\.json does not say which stages it needs"):
        store_commands.prune_store([], root, yes=True)
    assert housekeeping.stages(root)


def test_pruning_removes_nothing_without_yes(root, plugins, monkeypatch, capsys):
    monkeypatch.setattr(store_commands, "installed", lambda: plugins)
    before = len(housekeeping.stages(root))
    store_commands.prune_store([], root)  # no records: nothing is needed
    assert f"{before} stages" in capsys.readouterr().out
    assert len(housekeeping.stages(root)) == before
    store_commands.prune_store([], root, yes=True)
    assert f"removed {before} stages" in capsys.readouterr().out
    assert housekeeping.stages(root) == []


def test_saliency_quality_is_needed_by_its_suite(root, plugins):
    """The quality of saliency is part of no row, but a run needs it."""
    keys = planned_keys(root, plugins)
    assert stage_named(root, "saliency in_memory").key in keys
    assert read_json(stage_named(root, "saliency in_memory").folder / MANIFEST)["key"] in keys
