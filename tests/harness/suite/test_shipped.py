"""Suites and tables that come with the harness, by name."""

import tomllib

import pytest

from wsss_harness.contract.errors import ConfigError
from wsss_harness.suite import shipped
from wsss_harness.system.files import configs


def test_a_suite_that_comes_along_is_found_by_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    file = configs() / "suites" / "voc12_affinity.toml"
    assert shipped.suite_file(file.relative_to(file.parent).with_suffix("")) == file
    (tmp_path / "voc12_affinity").mkdir()  # a folder is no suite
    assert shipped.suite_file(file.relative_to(file.parent).with_suffix("")) == file


def test_a_file_goes_before_a_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    own = tmp_path / "railscenes"
    own.write_text("")
    assert shipped.suite_file(own.relative_to(tmp_path)).resolve() == own


@pytest.mark.parametrize(
    ("typed", "nearest"), [("voc_12_affinity", "voc12_affinity"), ("mine.tml", "mine.toml")]
)
def test_a_misspelt_suite_is_answered_with_the_nearest(tmp_path, monkeypatch, typed, nearest):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "mine.toml"
    path.write_text("")
    with pytest.raises(
        ConfigError, match=f"there is no suite file {typed}; did you mean '{nearest}'"
    ):
        shipped.suite_file(path.relative_to(tmp_path).with_name(typed))


def test_every_suite_has_a_title():
    titles = dict(shipped.titles())
    files = configs().glob("suites/*.toml")
    assert titles == {file.stem: tomllib.loads(file.read_text())["title"] for file in files}
