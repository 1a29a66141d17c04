"""Digests of files are remembered, and forgotten when a file changes."""

import json
import os

import pytest

from wsss_harness.system import digests
from wsss_harness.system.files import digest


@pytest.fixture
def paths(tmp_path, monkeypatch):
    monkeypatch.setenv(digests.CACHE, str(tmp_path / "cache"))
    found = [tmp_path / name for name in ("a", "b")]
    for number, path in enumerate(found):
        path.write_bytes(bytes([number]) * 10)
        age(path, 100)
    return found


def age(path, seconds):
    status = path.stat()
    os.utime(path, (status.st_atime - seconds, status.st_mtime - seconds))


def counted(monkeypatch):
    """A list that grows by each content that is read."""
    seen = []
    real = digests.xxhash.xxh3_128_hexdigest

    def hexdigest(content):
        seen.append(content)
        return real(content)

    monkeypatch.setattr(digests.xxhash, "xxh3_128_hexdigest", hexdigest)
    return seen


def test_each_digest_is_that_of_the_content(paths):
    assert digests.of_files(paths, "group") == [digest(path) for path in paths]


def test_a_file_is_read_once_until_it_changes(paths, monkeypatch):
    seen = counted(monkeypatch)
    first = digests.of_files(paths, "group")
    assert digests.of_files(paths, "group") == first
    assert len(seen) == 2
    paths[0].write_bytes(b"x" * 10)
    changed = digests.of_files(paths, "group")
    assert len(seen) == 3
    assert changed[0] != first[0]
    assert changed[1] == first[1]


def test_a_file_that_has_just_changed_is_not_remembered(paths, monkeypatch):
    paths[0].write_bytes(b"new")
    seen = counted(monkeypatch)
    digests.of_files(paths, "group")
    digests.of_files(paths, "group")
    assert len(seen) == 3


@pytest.mark.parametrize("content", ["{", "[]", '{"a": 3}', '{"a": [1, 2]}'])
def test_what_was_damaged_is_forgotten(paths, tmp_path, content):
    first = digests.of_files(paths, "group")
    (place,) = (tmp_path / "cache").iterdir()
    assert set(json.loads(place.read_text())) == {str(path) for path in paths}
    place.write_text(content)
    assert digests.of_files(paths, "group") == first


def test_without_a_place_all_files_are_read(paths, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv(digests.CACHE, str(tmp_path / "file"))
    seen = counted(monkeypatch)
    for _ in range(2):
        assert len(digests.of_files(paths, "group")) == 2
    assert len(seen) == 4


def test_the_cache_is_the_users(monkeypatch):
    monkeypatch.delenv(digests.CACHE, raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", "/somewhere")
    assert str(digests.cache()) == "/somewhere/wsss-bench"
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert digests.cache().parts[-2:] == (".cache", "wsss-bench")
