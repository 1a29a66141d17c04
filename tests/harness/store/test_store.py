"""Stages run once, resume, share, and fail without harm."""

import errno
import threading
import time

import pytest
from filelock import FileLock

from wsss_harness.contract.errors import DataError, StageError, StageFailure
from wsss_harness.store.manifest import MANIFEST
from wsss_harness.store.source_digest import source_digest
from wsss_harness.store.stage import Stage
from wsss_harness.store.store import Store
from wsss_harness.system.files import read_json, write_json, write_text

CODE = ("wsss_harness.contract.errors",)


def stage(make, *, name="one", options=None, inputs=None):
    return Stage("test", name, make, options or {}, CODE, inputs or {})


@pytest.fixture
def events():
    return []


@pytest.fixture
def store(tmp_path, events):
    return Store(tmp_path, events.append)


def kinds(events):
    return [(event.kind, event.stage) for event in events if event.kind != "progress"]


def test_a_stage_runs_once(store, events):
    made = stage(lambda work: write_text(work.folder / "product.txt", "x"))
    first, second = store.make(made), store.make(made)
    assert first == second
    assert (first / "product.txt").read_text() == "x"
    assert [kind for kind, _ in kinds(events)] == ["started", "finished", "reused"]


def test_rows_that_share_a_stage_run_it_once(store):
    runs = []
    shared = stage(lambda work: runs.append("shared"), name="shared")
    for option in (1, 2):
        user = stage(lambda work: None, name="user", options={"n": option}, inputs={"it": shared})
        store.make(user)
    assert runs == ["shared"]


@pytest.mark.parametrize(
    "other",
    [
        stage(lambda work: None, options={"tau": 0.5}),
        stage(lambda work: None, name="two"),
        Stage("other", "one", lambda work: None, {"tau": 0.4}, CODE),
        Stage("test", "one", lambda work: None, {"tau": 0.4}, ("wsss_harness.contract.types",)),
        stage(lambda work: None, options={"tau": 0.4}, inputs={"it": stage(lambda work: None)}),
    ],
)
def test_all_that_decides_a_stage_is_in_its_key(other):
    assert stage(lambda work: None, options={"tau": 0.4}).key != other.key


def test_a_stage_whose_files_are_gone_is_made_again(tmp_path, events):
    made = stage(lambda work: write_text(work.folder / "product.txt", "x"))
    folder = Store(tmp_path, events.append).make(made)
    (folder / "product.txt").unlink()
    assert (Store(tmp_path, events.append).make(made) / "product.txt").is_file()


def test_a_note_decides_nothing():
    plain = Stage("test", "one", lambda work: None, {}, CODE)
    noted = Stage("test", "one", lambda work: None, {}, CODE, note={"needs": []})
    assert plain.key == noted.key


def test_the_source_of_a_package_counts(tmp_path, monkeypatch):
    package = tmp_path / "some_method"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "loss.py").write_text("weight = 1\n")
    monkeypatch.syspath_prepend(tmp_path)
    before = source_digest("some_method")
    (package / "loss.py").write_text("weight = 2\n")
    source_digest.cache_clear()
    assert source_digest("some_method") != before


def test_the_manifest_holds_digests_of_products_only(store):
    def make(work):
        print("library noise")
        work.ledger.note("saliency")
        write_text(work.folder / "product.txt", "x")

    folder = store.make(stage(make))
    manifest = read_json(folder / MANIFEST)
    assert list(manifest["files"]) == ["product.txt"]
    assert manifest["read"] == ["saliency"]
    assert (folder / "log.txt").read_text() == "library noise\n"


def test_a_killed_stage_keeps_what_it_wrote_and_is_not_done(store):
    def interrupted(work):
        write_text(work.folder / "half.txt", "x")
        (work.folder / ".torn.txt.1.part").write_text("torn")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        store.make(stage(interrupted))
    found = []
    folder = store.make(stage(lambda work: found.extend(p.name for p in work.folder.iterdir())))
    assert "half.txt" in found
    assert not list(folder.glob(".*.part"))


def test_a_failure_names_stage_and_log(store):
    def broken(work):
        raise DataError("image 7 is damaged")

    failing = stage(broken)
    with pytest.raises(StageError, match=r"test one: image 7 is damaged \(log: .*log.txt\)"):
        store.make(failing)
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
def test_failures_have_reasons(store, error, message):
    def fail(work):
        raise error

    with pytest.raises(StageError, match=message):
        store.make(stage(fail))


def test_what_needs_a_failed_stage_fails_with_its_reason(store):
    def fail(work):
        raise DataError("no list")

    with pytest.raises(StageError, match="no list"):
        store.make(stage(lambda work: None, name="after", inputs={"it": stage(fail)}))


def test_the_source_of_a_module_holds_what_it_imports_beside_it(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "lone_plugin.py").write_text("import helper_beside\n")
    helper, other = tmp_path / "helper_beside.py", tmp_path / "not_imported.py"
    helper.write_text("F = 1\n")
    digest = source_digest.__wrapped__
    before = digest("lone_plugin")
    other.write_text("G = 1\n")
    assert digest("lone_plugin") == before
    helper.write_text("F = 2\n")
    assert digest("lone_plugin") != before


def test_what_a_package_beside_it_imports_counts_too(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "deep_plugin.py").write_text("import deep_package\n")
    (tmp_path / "deep_package").mkdir()
    (tmp_path / "deep_package/__init__.py").write_text("")
    (tmp_path / "deep_package/one.py").write_text("import deep_helper\n")
    (tmp_path / "deep_helper.py").write_text("F = 1\n")
    digest = source_digest.__wrapped__
    before = digest("deep_plugin")
    (tmp_path / "deep_helper.py").write_text("F = 2\n")
    assert digest("deep_plugin") != before


def test_other_distributions_in_the_same_folder_do_not_count(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    owners = {"lone_plugin": ["mine"], "shared_library": ["theirs"]}
    monkeypatch.setattr("wsss_harness.store.source_digest.packages_distributions", lambda: owners)
    (tmp_path / "lone_plugin.py").write_text("import shared_library, json\n")
    (tmp_path / "shared_library.py").write_text("F = 1\n")
    digest = source_digest.__wrapped__
    before = digest("lone_plugin")
    (tmp_path / "shared_library.py").write_text("F = 2\n")
    assert digest("lone_plugin") == before


def test_a_stage_that_exits_is_a_failure(tmp_path):
    def leaves(work):
        raise SystemExit(3)

    store = Store(tmp_path, lambda event: None)
    with pytest.raises(StageFailure, match="SystemExit: 3"):
        store.make(stage(leaves))


def test_another_run_is_waited_for_and_that_is_said(tmp_path):
    events = []
    store = Store(tmp_path, events.append)
    made = stage(lambda work: None)
    folder = store.folder(made)
    folder.mkdir(parents=True)
    held = threading.Event()

    def another_run():
        with FileLock(folder.with_suffix(".lock")):
            held.set()
            time.sleep(0.5)

    threading.Thread(target=another_run).start()
    held.wait()
    store.make(made)
    assert [event.kind for event in events] == ["waiting", "started", "finished"]


def test_the_manifest_says_what_a_stage_cost(store):
    made = stage(lambda work: write_text(work.folder / "product.txt", "four"))
    cost = read_json(store.make(made) / MANIFEST)["cost"]
    assert cost["bytes"] == 4
    assert cost["continued"] is False
    assert cost["wall_seconds"] >= 0
    assert cost["peak_memory"] > 0


def test_a_continued_stage_says_that_its_cost_is_not_the_whole(store):
    attempts = []

    def make(work):
        attempts.append(1)
        write_text(work.folder / f"{len(attempts)}.txt", "x")
        if len(attempts) == 1:
            raise KeyboardInterrupt

    made = stage(make)
    with pytest.raises(KeyboardInterrupt):
        store.make(made)
    assert read_json(store.make(made) / MANIFEST)["cost"]["continued"] is True


def edited(store, **changed):
    """A finished stage whose manifest was changed afterwards, seen by another run."""
    made = stage(lambda work: write_text(work.folder / "product.txt", "x"), options={"a": 1})
    folder = store.make(made)
    manifest = read_json(folder / MANIFEST)
    write_json(folder / MANIFEST, manifest | changed)
    return made, folder, manifest


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"format": 99}, "has format 99, and this version of wsss-bench reads 1; update"),
        ({"recipe": {"options": {"a": 2}}}, "has another key than that of its recipe"),
        ({"key": "0" * 64}, "has another key than that of its recipe"),
    ],
)
def test_a_manifest_that_was_changed_is_neither_used_nor_overwritten(
    store, tmp_path, changed, message
):
    made, folder, _ = edited(store, **changed)
    another = Store(tmp_path, lambda event: None)
    assert not another.done(made)
    with pytest.raises(DataError, match=message) as caught:
        another.make(made)
    assert str(folder / MANIFEST) in str(caught.value)
    assert read_json(folder / MANIFEST).items() >= changed.items()


def test_a_manifest_that_lacks_something_is_named(store, tmp_path):
    made, folder, manifest = edited(store)
    write_json(folder / MANIFEST, {k: v for k, v in manifest.items() if k != "files"})
    with pytest.raises(DataError, match=r"lacks 'files'.*delete"):
        Store(tmp_path, lambda event: None).make(made)


def test_source_that_changes_while_a_stage_runs_leaves_it_unfinished(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    source = tmp_path / "edited_plugin.py"
    source.write_text("F = 1\n")
    made = Stage("test", "one", lambda work: source.write_text("F = 2\n"), {}, ("edited_plugin",))
    store = Store(tmp_path / "store", lambda event: None)
    with pytest.raises(StageFailure, match=r"source of edited_plugin changed while it ran.*again"):
        store.make(made)
    assert not store.done(made)


def test_a_manifest_of_another_stage_is_named(store, tmp_path):
    """A folder that was copied over another one is whole in itself."""
    one, two = (stage(lambda work: None, name=name) for name in ("one", "two"))
    folders = [store.make(one), store.make(two)]
    (folders[0] / MANIFEST).write_bytes((folders[1] / MANIFEST).read_bytes())
    another = Store(tmp_path, lambda event: None)
    assert not another.done(one)
    with pytest.raises(DataError, match=r"manifest\.json is that of another stage, test two; del"):
        another.make(one)


def test_a_store_that_cannot_be_written_says_what_to_do(tmp_path, monkeypatch):
    def refuse(*_, **__):
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr("pathlib.Path.mkdir", refuse)
    with pytest.raises(StageError, match=r"cannot be written.*give another --store"):
        Store(tmp_path, lambda event: None).make(stage(lambda work: None))
