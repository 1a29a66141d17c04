"""Edited manifests are refused; stages of other versions of libraries are told in a warning."""

import pytest

from wsss_harness.contract.errors import DataError
from wsss_harness.execution.run_stage import make_stage
from wsss_harness.store import store as store_module
from wsss_harness.store.manifest import MANIFEST
from wsss_harness.store.stage import Stage
from wsss_harness.store.store import Store, version_warnings
from wsss_harness.system.files import read_json, write_json, write_text
from wsss_harness.system.meter import environment


def stage(make, *, name="one", options=None, inputs=None):
    return Stage("test", name, make, options or {}, inputs or {})


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path)


def folder_of_made(stage, store):
    make_stage(stage, store)
    return store.folder(stage)


def edited_stage(store, **changed):
    """A finished stage whose manifest was changed afterwards, seen by another run."""
    edited = stage(lambda work: write_text(work.folder / "product.txt", "x"), options={"a": 1})
    folder = folder_of_made(edited, store)
    manifest = read_json(folder / MANIFEST)
    write_json(folder / MANIFEST, manifest | changed)
    return edited, folder, manifest


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"format": 99}, "has format 99, but this version of wsss-bench reads 1; update"),
        ({"recipe": {"options": {"a": 2}}}, "has a key that does not match its recipe"),
        ({"key": "0" * 64}, "has a key that does not match its recipe"),
    ],
)
def test_edited_manifest_is_neither_used_nor_overwritten(store, tmp_path, changed, message):
    edited, folder, _ = edited_stage(store, **changed)
    another = Store(tmp_path)
    assert not another.done(edited)
    with pytest.raises(DataError, match=message) as caught:
        make_stage(edited, another)
    assert str(folder / MANIFEST) in str(caught.value)
    assert read_json(folder / MANIFEST).items() >= changed.items()


def test_manifest_without_a_field_is_refused(store, tmp_path):
    edited, folder, manifest = edited_stage(store)
    write_json(folder / MANIFEST, {k: v for k, v in manifest.items() if k != "files"})
    with pytest.raises(DataError, match=r"lacks 'files'.*delete"):
        make_stage(edited, Store(tmp_path))


@pytest.mark.parametrize(
    ("field", "value"),
    [("environment", None), ("environment", {"numpy": 3}), ("cost", 3), ("files", {"a.txt": 1})],
)
def test_manifest_with_a_malformed_field_is_refused(store, tmp_path, field, value):
    edited, folder, manifest = edited_stage(store)
    write_json(folder / MANIFEST, {**manifest, field: value})
    with pytest.raises(DataError, match=f"has a malformed '{field}'.*delete"):
        make_stage(edited, Store(tmp_path))


def test_manifest_copied_from_another_stage_is_refused(store, tmp_path):
    """Each copied file is intact, but the key is the other stage's."""
    first, second = (stage(lambda work: None, name=name) for name in ("one", "two"))
    folders = [folder_of_made(named, store) for named in (first, second)]
    (folders[0] / MANIFEST).write_bytes((folders[1] / MANIFEST).read_bytes())
    another = Store(tmp_path)
    assert not another.done(first)
    with pytest.raises(DataError, match=r"manifest\.json is that of another stage, test two; del"):
        make_stage(first, another)


@pytest.fixture
def stages(tmp_path):
    stages = [Stage("test", name, lambda work: None, {}) for name in ("one", "two")]
    for stage in stages:
        make_stage(stage, Store(tmp_path))
    return stages


def test_stages_of_the_installed_versions_give_no_warning(stages, tmp_path):
    assert not list(version_warnings(stages, Store(tmp_path)))


def test_stages_of_another_version_are_reused_with_a_warning(stages, tmp_path, monkeypatch):
    older = environment()["torch"]
    monkeypatch.setattr(store_module, "library_versions", lambda: {"torch": "99.0", "numpy": "1"})
    unfinished = Stage("test", "three", lambda work: None, {})
    store = Store(tmp_path)
    numpy, torch = version_warnings([*stages, unfinished], store)
    assert f"2 finished stages were made with torch {older}; 99.0 is installed" in torch
    assert "numpy" in numpy
    assert "--store" in torch
    assert store.done(stages[0])


def test_one_stage_is_named(stages, tmp_path, monkeypatch):
    monkeypatch.setattr(store_module, "library_versions", lambda: {"torch": "99.0"})
    (warning,) = version_warnings(stages[:1], Store(tmp_path))
    assert warning.startswith("test one was made with torch")


@pytest.mark.parametrize("library", ["torch", "numpy", "opencv-python", "onedl-mmcv", "pillow"])
def test_manifests_note_the_versions_of_libraries(library):
    assert environment()[library]
