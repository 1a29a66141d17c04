"""Stages are exported as archives and imported into other stores."""

import io
import tarfile

import pytest
from small_store import run, stage_named

from wsss_harness.contract.errors import ConfigError, DataError
from wsss_harness.store import housekeeping
from wsss_harness.store.archive import export_stage, find_stage, import_stage


def test_imported_stage_is_not_made_again(root, plugins, tmp_path):
    archive, other = tmp_path / "fit.tar", tmp_path / "other"
    export_stage(stage_named(root, "fit redness"), archive)
    placed = import_stage(archive, other)
    assert placed.title == "fit redness"
    assert "fit redness" not in run(other, plugins)
    assert import_stage(archive, other).key == placed.key  # twice does no harm


def test_stage_is_found_by_title_or_key(root):
    kept = housekeeping.stages(root)
    fit = stage_named(root, "fit redness")
    assert find_stage(kept, "fit redness").key == fit.key
    assert find_stage(kept, fit.key[:10]).key == fit.key


@pytest.mark.parametrize(
    ("name", "message"),
    [("fit nothing", "no finished stage is named"), ("mask redness", "2 finished stages are")],
)
def test_unknown_or_ambiguous_stage_lists_the_stages(root, name, message):
    with pytest.raises(ConfigError, match=rf"{message}.*\([0-9a-f]{{12}}\)"):
        find_stage(housekeeping.stages(root), name)


def test_damaged_stage_is_not_exported(root, tmp_path):
    stage = stage_named(root, "curve redness")
    (stage.folder / "curve.npz").write_bytes(b"other")
    with pytest.raises(DataError, match=r"is not exported.*was changed"):
        export_stage(stage, tmp_path / "curve.tar")
    assert not (tmp_path / "curve.tar").exists()


def packed(archive, members):
    with tarfile.open(archive, "w") as tar:
        for name, content in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return archive


def members(root, title):
    stage = stage_named(root, title)
    paths = (path for path in stage.folder.rglob("*") if path.is_file())
    return {str(path.relative_to(root)): path.read_bytes() for path in paths}


def test_archive_with_a_changed_file_is_refused(root, tmp_path):
    content = members(root, "curve redness")
    content = {n: b"other" if n.endswith("curve.npz") else c for n, c in content.items()}
    with pytest.raises(DataError, match=r"is not imported.*curve\.npz was changed"):
        import_stage(packed(tmp_path / "bad.tar", content), tmp_path / "other")
    assert housekeeping.stages(tmp_path / "other") == []


@pytest.mark.parametrize("name", ["../escaped", "/escaped", "fit/../../escaped"])
def test_archive_that_leaves_its_folder_is_refused(tmp_path, name):
    archive = packed(tmp_path / "bad.tar", {name: b"x"})
    with pytest.raises(DataError):
        import_stage(archive, tmp_path / "a" / "other")
    assert not list(tmp_path.rglob("escaped"))


def test_archive_in_the_folder_of_another_stage_is_refused(root, tmp_path):
    content = members(root, "curve redness")
    moved = {n.replace("curve/", "fit/", 1): c for n, c in content.items()}
    with pytest.raises(DataError, match="does not match its manifest"):
        import_stage(packed(tmp_path / "bad.tar", moved), tmp_path / "other")


@pytest.mark.parametrize("content", [b"", b"no archive at all"])
def test_file_that_is_not_an_archive_is_refused(tmp_path, content):
    (tmp_path / "bad.tar").write_bytes(content)
    with pytest.raises(DataError, match=r"bad\.tar"):
        import_stage(tmp_path / "bad.tar", tmp_path / "other")


def test_refused_archive_leaves_no_files(root, tmp_path):
    (tmp_path / "bad.tar").write_bytes(b"no archive")
    before = sorted(root.iterdir())
    with pytest.raises(DataError):
        import_stage(tmp_path / "bad.tar", root)
    assert sorted(root.iterdir()) == before
