"""The selection ledger: what a store has scored on which truth."""

import shutil
import subprocess
import sys
from functools import partial

import pytest
import small_store
import small_suite

from wsss_harness.cli import store as store_commands
from wsss_harness.execution import run_stage
from wsss_harness.execution.run_stage import make_stage
from wsss_harness.store import archive, housekeeping
from wsss_harness.store.layout import SELECTION
from wsss_harness.store.selection_ledger import LedgerEntry, Truth, note, scored
from wsss_harness.suite.graph import Graph

RULE = {"name": "constant", "threshold": 0.5}
ROW = {"method": "R", "generator": "R", "rule": RULE}


def counts(root, split="train"):
    """(masks, thresholds, checkpoints) of the only truth of a split."""
    (count,) = [count for truth, count in scored(root).items() if truth.split == split]
    return tuple(count.values())


@pytest.fixture
def run(tmp_path, plugins):
    return partial(small_store.run, tmp_path, plugins)


def test_masks_and_thresholds_are_counted_but_not_those_of_bounds(root):
    # Rows R and S, and the control that paints saliency with the classes of R.
    assert counts(root) == (3, 202, 0)
    assert counts(root, "val") == (1, 0, 0)
    train, val = scored(root)
    assert (train.dataset, train.images, val.images) == ("in_memory", 8, 4)


def test_what_comes_from_the_cache_counts_once_and_another_rule_is_another_set(root, plugins):
    assert small_store.run(root, plugins) == []
    assert counts(root) == (3, 202, 0)
    rows = [ROW, {**ROW, "method": "R2", "rule": {**RULE, "threshold": 0.25}}]
    small_store.run(root, plugins, rows=rows)
    assert counts(root) == (4, 202, 0)


def test_each_seed_counts(run, tmp_path):
    run(rows=[ROW], seeds=[0, 1])
    assert counts(tmp_path)[1] == 202


def test_weights_that_were_selected_on_truth_are_checkpoints(run, tmp_path):
    one = {"name": "single", "selected_on": "val"}
    run(generators={"R": one}, rows=[ROW], seeds=[0, 1])
    assert counts(tmp_path, "val") == (0, 0, 1)
    assert counts(tmp_path)[2] == 0
    shutil.rmtree(tmp_path / SELECTION)  # the list of val is in no stage that counts
    run(generators={"R": one}, rows=[{**ROW, "segmentors": ["one"]}], seeds=[0, 1])
    assert counts(tmp_path, "val") == (2, 0, 1)


def test_data_that_change_beside_the_list_are_the_same_truth(run, tmp_path):
    for no_saliency in ([], [8]):
        run(dataset={"name": "incomplete", "no_saliency": no_saliency}, rows=[ROW])
    assert len(list((tmp_path / "data").glob("*-*/"))) == 2
    assert counts(tmp_path)[1] == 202


def test_shorter_list_is_another_truth(run, tmp_path):
    for count in (12, 9):
        run(dataset={"name": "in_memory", "count": count}, rows=[ROW])
    assert [truth.images for truth in scored(tmp_path) if truth.split == "train"] == [6, 8]


def test_stages_that_were_removed_by_hand_still_count(root):
    before = scored(root)
    for stage in housekeeping.stages(root):
        shutil.rmtree(stage.folder)
    assert scored(root) == before


def test_store_of_an_older_version_counts_what_it_holds(root):
    before = scored(root)
    shutil.rmtree(root / SELECTION)
    assert scored(root) == before


def test_pruning_a_store_of_an_older_version_loses_no_count(root, capsys):
    before = scored(root)
    shutil.rmtree(root / SELECTION)
    store_commands.prune_store(store=root)  # lists them
    assert not (root / SELECTION).exists()
    store_commands.prune_store(store=root, yes=True)
    assert not housekeeping.stages(root)
    assert scored(root) == before


def test_imported_stages_count(root, tmp_path):
    for title in ("data in_memory", "curve redness", "measure redness"):
        stages = [stage for stage in housekeeping.stages(root) if stage.title == title]
        for stage in stages:
            archive.export_stage(stage, tmp_path / "stage.tar")
            archive.import_stage(tmp_path / "stage.tar", tmp_path / "other")
    assert counts(tmp_path / "other")[1] == 101


@pytest.mark.parametrize("content", ["[", "null", "[1]"])
def test_stage_whose_list_of_images_is_damaged_is_left_out(root, content):
    shutil.rmtree(root / SELECTION)
    for stage in housekeeping.stages(root):
        if stage.kind in ("measure", "metric"):
            (stage.folder / "ids.json").write_text(content)
    assert scored(root) == {}


def test_foreign_files_are_ignored(root):
    before = scored(root)
    folder = next((root / SELECTION).iterdir())
    for path in (folder / "notes.txt", root / SELECTION / "mine.txt", folder / "masks-x-1"):
        path.write_text("mine")
    assert scored(root) == before


def test_dataset_may_have_any_name(tmp_path):
    truth = Truth.of("a/b, ü-1", "val", ["x", "y"])
    note(tmp_path, LedgerEntry(truth, "masks", "0123456789abcdef"), 1)
    assert scored(tmp_path) == {truth: {"masks": 1, "thresholds": 0, "checkpoints": 0}}


# Several processes, and killed ones

NOTING = """
import sys
from pathlib import Path
from wsss_harness.store.selection_ledger import LedgerEntry, Truth, note
root, start = Path(sys.argv[1]), int(sys.argv[2])
for number in range(start, start + 200):
    entry = LedgerEntry(Truth.of("d", "train", ["x"]), "thresholds", f"{number:012x}")
    note(root, entry, 101)
"""


def test_processes_that_note_at_once_lose_and_repeat_nothing(tmp_path):
    words = [sys.executable, "-c", NOTING, str(tmp_path)]
    processes = [subprocess.Popen([*words, start]) for start in ("0", "100")]
    assert [process.wait(timeout=300) for process in processes] == [0, 0]
    assert counts(tmp_path) == (0, 300 * 101, 0)


@pytest.fixture
def curve(plugins):
    suite = small_suite.suite()
    return Graph(suite, plugins, 0).row(suite.rows[0]).curve


def test_interrupted_stage_notes_nothing_until_it_is_finished(curve, tmp_path):
    store = small_suite.store(tmp_path)

    def stop(event):
        if (event.kind, event.stage, event.done) == ("progress", curve.title, 4):
            raise KeyboardInterrupt

    store.notify = stop
    with pytest.raises(KeyboardInterrupt):
        make_stage(curve, store)
    assert scored(tmp_path) == {}
    assert make_stage(curve, small_suite.store(tmp_path))
    assert counts(tmp_path) == (0, 101, 0)


def test_run_that_is_killed_after_the_note_counts_once(curve, tmp_path, monkeypatch):
    for needed in curve.inputs.values():
        make_stage(needed, small_suite.store(tmp_path))
    with monkeypatch.context() as patched:
        patched.setattr(run_stage, "write_json", kill)
        with pytest.raises(KeyboardInterrupt):
            make_stage(curve, small_suite.store(tmp_path))
    assert counts(tmp_path) == (0, 101, 0)
    assert make_stage(curve, small_suite.store(tmp_path))
    assert counts(tmp_path) == (0, 101, 0)


def kill(path, content):
    raise KeyboardInterrupt
