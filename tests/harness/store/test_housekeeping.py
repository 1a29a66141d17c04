"""A store is listed, verified, pruned of what no suite needs, and shared stage by stage."""

import io
import json
import tarfile
from pathlib import Path

import pytest
import small_suite
import typer
from filelock import FileLock

from wsss_harness.cli import store as store_commands
from wsss_harness.contract.errors import ConfigError, DataError
from wsss_harness.execution.engine import Engine
from wsss_harness.execution.run import prepare_suite, run_suite
from wsss_harness.store import housekeeping
from wsss_harness.store.archive import export_stage, find_stage, import_stage
from wsss_harness.store.manifest import MANIFEST
from wsss_harness.suite.graph import Graph
from wsss_harness.suite.selection import Request
from wsss_harness.suite.suite_rows import plan_of
from wsss_harness.system.files import read_json, write_json
from wsss_leaderboard.records.collect import Collector


@pytest.fixture(scope="module")
def plugins():
    return small_suite.plugins()


@pytest.fixture
def root(tmp_path, plugins):
    """A store in which the small suite was run."""
    run(tmp_path / "store", plugins)
    return tmp_path / "store"


def run(root, plugins, **changes):
    store, suite = small_suite.store(root), small_suite.suite(**changes)
    dataset = prepare_suite(suite, plugins, Engine(store))
    assert not any(o.failure for o in run_suite(suite, plugins, Engine(store), dataset))
    return [event.stage for event in store.events if event.kind == "started"]


def planned(root, plugins, **changes):
    plan = plan_of(small_suite.suite(**changes), plugins, small_suite.store(root))
    return {one.stage.key for one in plan.stages}


def named(root, title):
    return next(one for one in housekeeping.stages(root) if one.title == title)


def test_every_stage_is_found_with_its_size(root, plugins):
    kept = housekeeping.stages(root)
    assert {one.key for one in kept} == planned(root, plugins)
    fit = named(root, "fit redness")
    assert fit.bytes == sum(p.stat().st_size for p in fit.folder.rglob("*") if p.is_file())


def test_results_are_no_stage_and_other_folders_are_left_alone(root):
    (root / "results" / "mine" / "abcdefabcdef").mkdir(parents=True)
    (root / "notes" / "of-mine").mkdir(parents=True)
    kinds = {one.kind for one in housekeeping.stages(root)}
    assert "results" not in kinds
    assert "notes" not in kinds


def test_no_store_is_an_error(tmp_path):
    with pytest.raises(DataError, match="there is no store"):
        housekeeping.stages(tmp_path / "none")


def test_a_whole_store_is_said_to_be_whole(root, capsys):
    store_commands.verify_store(root)
    assert "no file damaged" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("harm", "told"),
    [
        (lambda folder: (folder / "curve.npz").write_bytes(b"other"), "curve.npz was changed"),
        (lambda folder: (folder / "curve.npz").unlink(), "curve.npz is missing"),
        (lambda folder: write_json(folder / MANIFEST, {}), "lacks 'cost'"),
    ],
)
def test_a_damaged_stage_is_named_with_its_remedy(root, capsys, harm, told):
    folder = named(root, "curve redness").folder
    harm(folder)
    with pytest.raises(typer.Exit):
        store_commands.verify_store(root)
    message = capsys.readouterr().out
    assert told in message
    assert f"delete {folder}" in message


def test_what_no_suite_needs_is_found_and_removed(root, plugins):
    generators = {"R": {"name": "redness", "value": 0.5}, "S": {"name": "salient"}}
    run(root, plugins, generators=generators)
    needed = planned(root, plugins)
    found = housekeeping.unneeded(housekeeping.stages(root), needed)
    assert {one.kind for one in found} >= {"score", "mask", "measure", "segment"}
    assert len(list(housekeeping.remove(found))) == len(found)
    assert {one.key for one in housekeeping.stages(root)} == needed
    assert run(root, plugins) == []


def test_a_stage_that_is_being_made_stays(root):
    one = named(root, "fit redness")
    with FileLock(one.lock):
        assert list(housekeeping.remove([one])) == []
    assert one.folder.is_dir()


def test_a_stage_that_was_begun_is_kept_for_the_suite_that_needs_it(root, plugins):
    (named(root, "fit redness").folder / MANIFEST).unlink()
    assert housekeeping.unneeded(housekeeping.stages(root), planned(root, plugins)) == []


@pytest.mark.parametrize("version", [1, 2])
def test_sizes_by_kind_and_by_suite(root, plugins, version, capsys):
    fit = named(root, "fit redness").key
    record = {"steps": [{"stage": "fit redness", "key": fit}]}
    if version == 1:
        record = {"stages": {"fit redness": fit}}
    write_json(root / "results" / "small" / "records" / "000.json", record)
    store_commands.list_store(root, as_json=True)
    content = json.loads(capsys.readouterr().out)
    assert content["suites"]["small"]["finished"] == 1
    assert content["all"]["bytes"] == sum(kind["bytes"] for kind in content["kinds"].values())
    store_commands.list_store(root)
    assert "small" in capsys.readouterr().out


def test_what_a_run_has_recorded_is_needed(root, plugins):
    request = Request(Path("small.toml"))
    suite, store = small_suite.suite(), small_suite.store(root)
    dataset = prepare_suite(suite, plugins, Engine(store))
    collector = Collector(suite, store, dataset, Graph(suite, plugins, 0))
    for outcome in run_suite(suite, plugins, Engine(store), dataset):
        collector.save(outcome, request.results(root) / "records")
    assert housekeeping.suites_of(root) == {"small": planned(root, plugins)}


@pytest.mark.parametrize("content", [{}, [], {"steps": {"fit": "key"}}, {"stages": 7}])
def test_a_record_that_names_no_stages_stops_pruning(root, plugins, monkeypatch, content):
    monkeypatch.setattr(store_commands, "installed", lambda: plugins)
    write_json(root / "results" / "small" / "records" / "000.json", content)
    with pytest.raises(DataError, match=r"000\.json does not say which stages it needs"):
        store_commands.prune_store([], root, yes=True)
    assert housekeeping.stages(root)


def test_pruning_is_dry_unless_told(root, plugins, monkeypatch, capsys):
    monkeypatch.setattr(store_commands, "installed", lambda: plugins)
    before = len(housekeeping.stages(root))
    store_commands.prune_store([], root)  # no records: nothing is needed
    assert f"{before} stages" in capsys.readouterr().out
    assert len(housekeeping.stages(root)) == before
    store_commands.prune_store([], root, yes=True)
    assert f"removed {before} stages" in capsys.readouterr().out
    assert housekeeping.stages(root) == []


# From one store to another


def test_an_exported_stage_is_not_made_again(root, plugins, tmp_path):
    archive, other = tmp_path / "fit.tar", tmp_path / "other"
    export_stage(named(root, "fit redness"), archive)
    placed = import_stage(archive, other)
    assert placed.title == "fit redness"
    assert "fit redness" not in run(other, plugins)
    assert import_stage(archive, other).key == placed.key  # twice does no harm


def test_a_stage_is_chosen_by_title_or_by_key(root):
    kept = housekeeping.stages(root)
    fit = named(root, "fit redness")
    assert find_stage(kept, "fit redness").key == fit.key
    assert find_stage(kept, fit.key[:10]).key == fit.key


@pytest.mark.parametrize(
    ("wanted", "told"),
    [("fit nothing", "no finished stage is called"), ("mask redness", "2 finished stages are")],
)
def test_a_stage_that_is_not_one_is_an_error_that_lists(root, wanted, told):
    with pytest.raises(ConfigError, match=rf"{told}.*\([0-9a-f]{{12}}\)"):
        find_stage(housekeeping.stages(root), wanted)


def test_a_damaged_stage_is_not_exported(root, tmp_path):
    one = named(root, "curve redness")
    (one.folder / "curve.npz").write_bytes(b"other")
    with pytest.raises(DataError, match=r"is not exported.*was changed"):
        export_stage(one, tmp_path / "curve.tar")
    assert not (tmp_path / "curve.tar").exists()


def packed(archive, members):
    with tarfile.open(archive, "w") as tar:
        for name, content in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return archive


def members(root, title):
    one = named(root, title)
    paths = (path for path in one.folder.rglob("*") if path.is_file())
    return {str(path.relative_to(root)): path.read_bytes() for path in paths}


def test_an_archive_with_another_file_is_refused(root, tmp_path):
    content = members(root, "curve redness")
    content = {n: b"other" if n.endswith("curve.npz") else c for n, c in content.items()}
    with pytest.raises(DataError, match=r"is not imported.*curve\.npz was changed"):
        import_stage(packed(tmp_path / "bad.tar", content), tmp_path / "other")
    assert housekeeping.stages(tmp_path / "other") == []


@pytest.mark.parametrize("name", ["../escaped", "/escaped", "fit/../../escaped"])
def test_an_archive_that_climbs_out_is_refused(tmp_path, name):
    archive = packed(tmp_path / "bad.tar", {name: b"x"})
    with pytest.raises(DataError):
        import_stage(archive, tmp_path / "a" / "other")
    assert not list(tmp_path.rglob("escaped"))


def test_an_archive_in_the_folder_of_another_stage_is_refused(root, tmp_path):
    content = members(root, "curve redness")
    moved = {n.replace("curve/", "fit/", 1): c for n, c in content.items()}
    with pytest.raises(DataError, match="does not match its manifest"):
        import_stage(packed(tmp_path / "bad.tar", moved), tmp_path / "other")


@pytest.mark.parametrize("content", [b"", b"no archive at all"])
def test_what_is_no_archive_is_refused(tmp_path, content):
    (tmp_path / "bad.tar").write_bytes(content)
    with pytest.raises(DataError, match=r"bad\.tar"):
        import_stage(tmp_path / "bad.tar", tmp_path / "other")


def test_nothing_is_left_of_a_refused_archive(root, tmp_path):
    (tmp_path / "bad.tar").write_bytes(b"no archive")
    before = sorted(root.iterdir())
    with pytest.raises(DataError):
        import_stage(tmp_path / "bad.tar", root)
    assert sorted(root.iterdir()) == before


def test_a_manifest_of_the_collector_keeps_its_saliency(root, plugins):
    """The quality of saliency is no part of a row, and a run needs it all the same."""
    keys = planned(root, plugins)
    assert named(root, "saliency in_memory").key in keys
    assert read_json(named(root, "saliency in_memory").folder / MANIFEST)["key"] in keys
