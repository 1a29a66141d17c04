"""Stages run once, resume, share, and fail without harm."""

import errno
import importlib
import os
import threading
from functools import partial

import pytest
from commands import wait_for
from filelock import FileLock

from wsss_harness.contract.errors import DataError, StageError, StageFailure
from wsss_harness.execution.run_stage import make_stage
from wsss_harness.store.manifest import MANIFEST
from wsss_harness.store.stage import Stage
from wsss_harness.store.store import Store
from wsss_harness.system.files import read_json, write_text


def stage(make, *, name="one", options=None, inputs=None):
    return Stage("test", name, make, options or {}, inputs or {})


@pytest.fixture
def events():
    return []


@pytest.fixture
def store(tmp_path, events):
    return Store(tmp_path, events.append)


def kinds_and_stages(events):
    return [(event.kind, event.stage) for event in events if event.kind != "progress"]


def folder_of_made(stage, store):
    make_stage(stage, store)
    return store.folder(stage)


def test_finished_stage_is_not_run_again(store, events):
    writing = stage(lambda work: write_text(work.folder / "product.txt", "x"))
    assert make_stage(writing, store)
    assert not make_stage(writing, store)
    assert (store.folder(writing) / "product.txt").read_text() == "x"
    assert [kind for kind, _ in kinds_and_stages(events)] == ["started", "finished", "reused"]


def test_shared_input_runs_once(store):
    runs = []
    shared = stage(lambda work: runs.append("shared"), name="shared")
    for option in (1, 2):
        user = stage(lambda work: None, name="user", options={"n": option}, inputs={"it": shared})
        make_stage(user, store)
    assert runs == ["shared"]


def test_stage_whose_files_are_gone_is_made_again(tmp_path, events):
    writing = stage(lambda work: write_text(work.folder / "product.txt", "x"))
    store = Store(tmp_path, events.append)
    make_stage(writing, store)
    folder = store.folder(writing)
    (folder / "product.txt").unlink()
    assert make_stage(writing, Store(tmp_path, events.append))
    assert (folder / "product.txt").is_file()


def test_manifest_has_digests_of_products_but_not_of_log_or_ledger(store):
    def make(work):
        print("library noise")
        work.ledger.note("saliency")
        write_text(work.folder / "product.txt", "x")

    folder = folder_of_made(stage(make), store)
    manifest = read_json(folder / MANIFEST)
    assert list(manifest["files"]) == ["product.txt"]
    assert manifest["read"] == ["saliency"]
    assert (folder / "log.txt").read_text() == "library noise\n"


def test_interrupted_stage_keeps_its_files_except_torn_ones(store):
    def interrupted(work):
        write_text(work.folder / "half.txt", "x")
        (work.folder / ".torn.txt.1.part").write_text("torn")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        make_stage(stage(interrupted), store)
    kept = []
    resumed = stage(lambda work: kept.extend(path.name for path in work.folder.iterdir()))
    folder = folder_of_made(resumed, store)
    assert "half.txt" in kept
    assert not list(folder.glob(".*.part"))


def test_failure_names_stage_and_log(store):
    def broken(work):
        raise DataError("image 7 is damaged")

    failing = stage(broken)
    with pytest.raises(StageError, match=r"test one: image 7 is damaged \(log: .*log.txt\)"):
        make_stage(failing, store)
    assert "DataError" in (store.folder(failing) / "log.txt").read_text()
    assert not store.done(failing)


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), "the disk is full"),
        (MemoryError(), "memory ran out"),
        (ZeroDivisionError("division by zero"), "ZeroDivisionError: division by zero"),
    ],
)
def test_reason_of_a_failure_names_the_error_or_a_remedy(store, error, message):
    def fail(work):
        raise error

    with pytest.raises(StageError, match=message):
        make_stage(stage(fail), store)


def test_stage_fails_with_the_reason_of_its_failed_input(store):
    def fail(work):
        raise DataError("no list")

    with pytest.raises(StageError, match="no list"):
        make_stage(stage(lambda work: None, name="after", inputs={"it": stage(fail)}), store)


def test_exit_of_a_stage_is_a_failure(tmp_path):
    def leaves(work):
        raise SystemExit(3)

    store = Store(tmp_path)
    with pytest.raises(StageFailure, match="SystemExit: 3"):
        make_stage(stage(leaves), store)


def test_waiting_for_another_run_is_reported(tmp_path):
    events = []
    store = Store(tmp_path, events.append)
    awaited = stage(lambda work: None)
    folder = store.folder(awaited)
    folder.mkdir(parents=True)
    held = threading.Event()

    def another_run():
        with FileLock(folder.with_suffix(".lock")):
            held.set()
            wait_for(lambda: events)

    threading.Thread(target=another_run).start()
    held.wait()
    make_stage(awaited, store)
    assert [event.kind for event in events] == ["waiting", "started", "finished"]


def test_manifest_has_the_cost(store):
    writing = stage(lambda work: write_text(work.folder / "product.txt", "four"))
    cost = read_json(folder_of_made(writing, store) / MANIFEST)["cost"]
    assert cost["bytes"] == 4
    assert cost["continued"] is False
    assert cost["wall_seconds"] >= 0
    assert cost["peak_memory"] > 0


def test_cost_of_a_resumed_stage_is_marked_as_continued(store):
    attempts = []

    def make(work):
        attempts.append(1)
        write_text(work.folder / f"{len(attempts)}.txt", "x")
        if len(attempts) == 1:
            raise KeyboardInterrupt

    resumed = stage(make)
    with pytest.raises(KeyboardInterrupt):
        make_stage(resumed, store)
    assert read_json(folder_of_made(resumed, store) / MANIFEST)["cost"]["continued"] is True


def test_stage_whose_source_changes_meanwhile_is_not_finished(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    source = tmp_path / "edited_plugin.py"
    source.write_text("class Method:\n    pass\n")
    method = importlib.import_module("edited_plugin").Method()
    body = partial(lambda method, work: source.write_text("F = 2\n"), method)
    edited = Stage("test", "one", body, {})
    store = Store(tmp_path / "store")
    with pytest.raises(StageFailure, match=r"source of edited_plugin changed while it ran.*again"):
        make_stage(edited, store)
    assert not store.done(edited)


@pytest.mark.parametrize("number", [errno.EROFS, errno.ENOENT], ids=["read-only", "impossible"])
def test_store_that_cannot_be_written_is_named_with_a_remedy(tmp_path, monkeypatch, number):
    def refuse(*_, **__):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr("pathlib.Path.mkdir", refuse)
    with pytest.raises(StageError, match=r"cannot be written.*give another --store"):
        make_stage(stage(lambda work: None), Store(tmp_path))
