"""Which files a submitted folder may hold."""

import os
import shutil

import pytest
from sample_submissions import edit, record_of
from tampering import mask_of, refused

from wsss_leaderboard.submissions.hostile import files
from wsss_leaderboard.submissions.manifest import MANIFEST


@pytest.mark.parametrize("name", ["records", "counts", "logs"])
def test_missing_file_is_named(folder, ran, name):
    path = next((folder / name).iterdir())
    path.unlink()
    assert f"'{name}/{path.name}' is missing" in refused(folder, ran)


def test_submission_without_records_is_refused(folder, ran):
    for name in ("records", "counts", "logs", "packs"):
        shutil.rmtree(folder / name)
    names = ("README.md", "suite.json")
    edit(folder / MANIFEST, lambda c: c.update(packs={}, files={n: c["files"][n] for n in names}))
    assert "names no record" in refused(folder, ran)


@pytest.mark.parametrize(
    "name",
    [
        "evil.py",
        "records/evil.pkl",
        "logs/a b.txt",
        "conftest.py",
        ".github/workflows/run.yml",
        "records/../verified/x.json",
        "verified/r-seed0.json",
        "packs/x/0-masks/masks/a.svg",
    ],
)
def test_unexpected_file_is_refused(folder, ran, name):
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("print('run')")
    assert "does not belong to a submission; remove it" in refused(folder, ran)


def test_mask_that_no_pack_lists_is_refused(folder, ran):
    path = mask_of(folder)
    shutil.copyfile(path, path.with_name("more.png"))
    assert "more.png' is not listed in it; remove it" in refused(folder, ran)


def test_link_is_refused(folder, ran):
    path = mask_of(folder)
    path.unlink()
    path.symlink_to("/etc/passwd")
    assert f"'{path.name}' is neither a regular file nor a folder" in refused(folder, ran)


def test_pipe_is_refused_without_waiting(folder, ran):
    path = record_of(folder)
    path.unlink()
    os.mkfifo(path)
    assert "is neither a regular file nor a folder" in refused(folder, ran)


def test_folders_nested_too_deeply_are_refused(folder, ran):
    (folder / "/".join("a" * 50)).mkdir(parents=True)
    assert "or it is nested too deeply" in refused(folder, ran)


def test_masks_of_ids_with_folders_are_accepted(tmp_path):
    mask = tmp_path / "packs/r-seed0/0-masks/masks/aachen/day/img0.png"
    mask.parent.mkdir(parents=True)
    mask.write_bytes(b"12345")
    assert files(tmp_path) == {mask.relative_to(tmp_path).as_posix(): 5}
