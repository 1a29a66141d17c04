"""A folder of results belongs to one suite: another of the same name gets a folder of its own."""

import json
import shutil

import pytest

from wsss_harness.contract.errors import DataError
from wsss_harness.store import owners
from wsss_harness.store.owners import owner_of
from wsss_harness.system.files import configs, write_json


def suite(folder, text="title = 'A'", name="s.toml"):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(text)
    return folder / name


def claim(path, root, holds_results=lambda folder: False, **parts):
    return owners.claim(owner_of(path, root, **parts), root, holds_results)


@pytest.fixture
def project(tmp_path):
    return tmp_path / "project"


@pytest.fixture
def root(project):
    return project / "runs"


def test_suites_of_one_name_have_folders_of_their_own_and_keep_them(project, root):
    paths = [suite(project / name, f"title = '{name}'") for name in ("one", "two", "three")]
    names = [claim(path, root).name for path in paths]
    assert names == ["s", "s~2", "s~3"]
    assert [claim(path, root).name for path in reversed(paths)] == names[::-1]


def test_equal_content_in_two_places_is_two_suites(project, root):
    assert claim(suite(project / "one"), root) != claim(suite(project / "two"), root)


def test_an_edited_suite_keeps_its_folder(project, root):
    path = suite(project)
    before = claim(path, root)
    path.write_text("title = 'edited'")
    assert claim(path, root) == before


def test_a_link_is_the_suite_it_points_to(project, root):
    path = suite(project / "one")
    (project / "latest.toml").symlink_to(path)
    assert claim(project / "latest.toml", root) == claim(path, root)


def test_a_clone_that_moved_with_its_store_keeps_its_results(project, root, tmp_path):
    name = claim(suite(project), root).name
    project.rename(tmp_path / "elsewhere")
    moved = tmp_path / "elsewhere"
    (moved / "s.toml").write_text("title = 'edited since'")
    assert claim(moved / "s.toml", moved / "runs").name == name


def test_a_copy_of_a_clone_goes_on_by_itself(project, root, tmp_path):
    claim(suite(project), root)
    shutil.copytree(project, tmp_path / "copy")
    assert claim(tmp_path / "copy" / "s.toml", tmp_path / "copy" / "runs").name == "s"


def test_a_suite_that_moved_unchanged_keeps_its_results(project, root):
    path = suite(project / "old")
    before = claim(path, root)
    (project / "new").mkdir()
    path.rename(project / "new" / "s.toml")
    assert claim(project / "new" / "s.toml", root) == before


def test_a_suite_that_moved_and_changed_leaves_the_results_alone(project, root):
    path = suite(project / "old")
    before = claim(path, root)
    path.unlink()
    assert claim(suite(project / "new", "title = 'B'"), root) != before


def test_changes_and_datasets_own_results_too(project, root):
    path = suite(project)
    names = {claim(path, root, changes=("x=1",)).name, claim(path, root, dataset="rails").name}
    assert {"s@rails"} < names
    assert claim(path, root).name == "s"
    twin = suite(project, name="s@rails.toml")
    assert claim(twin, root).name == "s@rails~2"


def test_a_suite_of_the_harness_is_known_by_its_name(project, root, tmp_path, monkeypatch):
    shipped = configs() / "suites" / "railscenes.toml"
    before = claim(shipped, root)
    copy = suite(tmp_path / "other" / "suites", "title = 'of another version'", shipped.name)
    assert claim(copy, root) != before
    monkeypatch.setattr(owners, "configs", lambda: tmp_path / "other")
    assert claim(copy, root) == before


def test_results_of_older_versions_are_kept_where_they_are_known(project, root):
    write_json(root / "results" / "s" / "records" / "0.json", {})
    assert claim(suite(project / "one"), root, holds_results=lambda folder: False).name == "s~2"
    assert claim(suite(project / "two"), root, holds_results=lambda folder: True).name == "s"
    assert claim(suite(project / "three"), root, holds_results=lambda folder: True).name == "s~3"


def test_a_folder_without_records_is_nobodys(project, root):
    (root / "results" / "s").mkdir(parents=True)
    assert claim(suite(project), root).name == "s"


@pytest.mark.parametrize("content", [{}, [], 3, {"suite": "a", "digest": "", "changes": 3}])
def test_a_damaged_owner_is_named(project, root, content):
    folder = claim(suite(project), root)
    write_json(folder / owners.OWNER, content)
    with pytest.raises(DataError, match=r"suite\.json does not say whose results"):
        claim(suite(project), root)


def test_an_edited_suite_is_known_until_it_is_run_again(project, root):
    path = suite(project)
    folder = claim(path, root)
    assert owners.edited(folder) is None
    path.write_text("title = 'edited'")
    assert owners.edited(folder).samefile(path)
    claim(path, root)
    assert owners.edited(folder) is None
    path.unlink()
    assert owners.edited(folder) is None


def test_an_edited_suite_of_the_harness_is_known(root):
    path = configs() / "suites" / "railscenes.toml"
    folder = claim(path, root)
    assert owners.edited(folder) is None
    write_json(
        folder / "suite.json", json.loads((folder / "suite.json").read_text()) | {"digest": "1"}
    )
    assert owners.edited(folder).samefile(path)
