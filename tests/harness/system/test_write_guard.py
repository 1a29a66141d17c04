"""A stage cannot write elsewhere in the store."""

import os
import shutil

import pytest
from worker_starts import WritesBelow

from wsss_harness.contract.errors import PluginError
from wsss_harness.system import parallel, write_guard
from wsss_harness.system.write_guard import writing_below


@pytest.fixture
def store(tmp_path):
    """A store with two stages, one of which has a file; and a folder beside the store."""
    for name in ("store/fit/own", "store/fit/other", "beside"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "store/fit/other/kept.txt").write_text("kept")
    return tmp_path / "store"


CHANGES = {
    "write": lambda other: (other / "new.txt").write_text("x"),
    "truncate": lambda other: os.truncate(other / "kept.txt", 0),
    "low": lambda other: os.open(other / "new.txt", os.O_CREAT | os.O_WRONLY),
    "bytes": lambda other: os.open(os.fsencode(other / "kept.txt"), os.O_RDWR),
    "remove": lambda other: (other / "kept.txt").unlink(),
    "rename": lambda other: (other / "kept.txt").rename(other.parent / "own/kept.txt"),
    "mkdir": lambda other: (other / "new").mkdir(),
    "rmdir": lambda other: os.rmdir(other),
    "rmtree": lambda other: shutil.rmtree(other),
    "symlink": lambda other: (other / "link").symlink_to(other),
    "climb": lambda other: (other.parent / "own/../other/new.txt").write_text("x"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_changing_another_stage_is_refused(store, change):
    own, other = store / "fit/own", store / "fit/other"
    message = r"tried to write .*other.*; a plugin writes below .* \(run.folder, here .*own\)"
    with writing_below(own, store), pytest.raises(PluginError, match=message):
        CHANGES[change](other)
    assert [path.name for path in other.iterdir()] == ["kept.txt"]
    assert (other / "kept.txt").read_text() == "kept"


def test_stage_changes_its_own_folder_and_files_outside_the_store(store):
    own = store / "fit/own"
    with writing_below(own, store):
        (own / "deep").mkdir()
        (own / "deep/new.txt").write_text("mine")
        shutil.rmtree(own / "deep")
        assert (store / "fit/other/kept.txt").read_text() == "kept"
        (store.parent / "beside/cache.txt").write_text("caches of libraries lie elsewhere")


def test_own_link_to_another_stage_can_be_removed(store):
    own = store / "fit/own"
    (own / "link").symlink_to(store / "fit/other")
    with writing_below(own, store):
        (own / "link").unlink()
    assert (store / "fit/other/kept.txt").read_text() == "kept"


def test_guard_ends_with_the_body(store):
    with writing_below(store / "fit/own", store):
        pass
    (store / "fit/other/new.txt").write_text("x")
    assert write_guard.current() is None


def test_workers_are_confined_as_well(store):
    own, ids = store / "fit/own", [f"{n}.txt" for n in range(2 * parallel.FEW)]
    with writing_below(own, store), pytest.raises(PluginError, match="tried to write"):
        parallel.run(WritesBelow(store / "fit/other"), ids, 2, own / "log.txt", lambda: None)
    assert [path.name for path in (store / "fit/other").iterdir()] == ["kept.txt"]


def test_noting_collects_paths_outside_the_folder(store):
    with write_guard.noting(store / "fit/own") as changed:
        (store / "fit/own/new.txt").write_text("x")
        (store.parent / "beside/new.txt").write_text("x")
    assert changed == {os.path.realpath(store.parent / "beside/new.txt")}
