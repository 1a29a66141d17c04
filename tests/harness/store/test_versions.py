"""Versions of libraries are in no key; stages that others made are told in a warning."""

import pytest

from wsss_harness.execution.run_stage import make_stage
from wsss_harness.store import versions
from wsss_harness.store.stage import Stage
from wsss_harness.store.store import Store
from wsss_harness.store.versions import version_warnings
from wsss_harness.system.meter import environment


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
    monkeypatch.setattr(versions, "library_versions", lambda: {"torch": "99.0", "numpy": "1"})
    unfinished = Stage("test", "three", lambda work: None, {})
    store = Store(tmp_path)
    numpy, torch = version_warnings([*stages, unfinished], store)
    assert f"2 finished stages were made with torch {older}; 99.0 is installed" in torch
    assert "numpy" in numpy
    assert "--store" in torch
    assert store.done(stages[0])


def test_one_stage_is_named(stages, tmp_path, monkeypatch):
    monkeypatch.setattr(versions, "library_versions", lambda: {"torch": "99.0"})
    (warning,) = version_warnings(stages[:1], Store(tmp_path))
    assert warning.startswith("test one was made with torch")


@pytest.mark.parametrize("library", ["torch", "numpy", "opencv-python", "onedl-mmcv", "pillow"])
def test_manifests_note_the_versions_of_libraries(library):
    assert environment()[library]
