"""Digests of files are cached until a file changes."""

import json
import os

import pytest

from wsss_harness.system import digests
from wsss_harness.system.digests import digest_file


@pytest.fixture
def paths(tmp_path, monkeypatch):
    monkeypatch.setenv(digests.CACHE, str(tmp_path / "cache"))
    paths = [tmp_path / name for name in ("a", "b")]
    monkeypatch.setattr(digests, "FRESH", -100.0)  # all files count as old
    for number, path in enumerate(paths):
        path.write_bytes(bytes([number]) * 10)
    return paths


@pytest.fixture
def digested(monkeypatch):
    """The paths of all files that were read, in order."""
    read = []

    def digest_and_note(path):
        read.append(path)
        return digest_file(path)

    monkeypatch.setattr(digests, "digest_file", digest_and_note)
    return read


def test_cached_digests_equal_the_digests_of_the_files(paths):
    assert digests.digest_files(paths, "group") == [digest_file(path) for path in paths]


def test_a_file_is_read_once_until_it_changes(paths, digested):
    first = digests.digest_files(paths, "group")
    assert digests.digest_files(paths, "group") == first
    assert len(digested) == 2
    paths[0].write_bytes(b"x" * 10)
    changed = digests.digest_files(paths, "group")
    assert len(digested) == 3
    assert changed[0] != first[0]
    assert changed[1] == first[1]


def test_a_file_that_has_just_changed_is_not_cached(paths, digested, monkeypatch):
    digests.digest_files(paths, "group")
    monkeypatch.setattr(digests, "FRESH", 100.0)
    paths[0].write_bytes(b"new")
    digests.digest_files(paths, "group")
    digests.digest_files(paths, "group")
    assert digested == [*paths, paths[0], paths[0]]


def test_a_change_is_seen_though_size_and_modification_time_are_as_before(paths, digested):
    before = digests.digest_files(paths, "group")
    status = paths[0].stat()
    paths[0].write_bytes(b"y" * 10)
    os.utime(paths[0], ns=(status.st_atime_ns, status.st_mtime_ns))
    assert paths[0].stat().st_mtime_ns == status.st_mtime_ns
    assert digests.digest_files(paths, "group")[0] != before[0]


def test_digest_of_a_folder_depends_on_names_and_contents_but_not_on_its_place(paths, tmp_path):
    folder = tmp_path / "folder"
    (folder / "inner").mkdir(parents=True)
    (folder / "inner/a").write_bytes(b"a")
    first = digests.digest_folder(folder)
    moved = folder.rename(tmp_path / "moved")
    assert digests.digest_folder(moved) == first
    (moved / "inner/a").write_bytes(b"b")
    changed = digests.digest_folder(moved)
    assert changed != first
    (moved / "inner/a").rename(moved / "a")
    assert digests.digest_folder(moved) not in (first, changed)
    assert digests.digest_folder(tmp_path / "nowhere") == digests.digest_folder(tmp_path / "none")


def test_a_folder_that_links_to_itself_is_walked_once(tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder/a").write_bytes(b"a")
    (tmp_path / "folder/again").symlink_to(tmp_path / "folder")
    (tmp_path / "plain").mkdir()
    (tmp_path / "plain/a").write_bytes(b"a")
    assert digests.digest_folder(tmp_path / "folder") == digests.digest_folder(tmp_path / "plain")


@pytest.mark.parametrize("content", ["{", "[]", '{"a": 3}', '{"a": [1, 2]}'])
def test_a_damaged_cache_file_is_ignored(paths, tmp_path, content):
    first = digests.digest_files(paths, "group")
    (cache_file,) = (tmp_path / "cache").iterdir()
    assert set(json.loads(cache_file.read_text())) == {str(path) for path in paths}
    cache_file.write_text(content)
    assert digests.digest_files(paths, "group") == first


def test_without_a_cache_all_files_are_read(paths, tmp_path, monkeypatch, digested):
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv(digests.CACHE, str(tmp_path / "file"))
    for _ in range(2):
        assert len(digests.digest_files(paths, "group")) == 2
    assert len(digested) == 4


def test_cache_is_in_the_users_cache_folder(monkeypatch):
    monkeypatch.delenv(digests.CACHE, raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", "/somewhere")
    assert str(digests.cache_folder()) == "/somewhere/wsss-bench"
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert digests.cache_folder().parts[-2:] == (".cache", "wsss-bench")
