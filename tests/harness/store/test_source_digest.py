"""The digest of a module counts the source that it imports, and no other distribution."""

from wsss_harness.store.source_digest import source_digest

CODE = ("wsss_harness.contract.errors",)


def test_edit_in_a_package_changes_its_digest(tmp_path, monkeypatch):
    package = tmp_path / "some_method"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "loss.py").write_text("weight = 1\n")
    monkeypatch.syspath_prepend(tmp_path)
    before = source_digest("some_method")
    (package / "loss.py").write_text("weight = 2\n")
    source_digest.cache_clear()
    assert source_digest("some_method") != before


def test_module_that_is_imported_from_the_same_folder_counts(tmp_path, monkeypatch):
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


def test_import_of_an_imported_package_counts(tmp_path, monkeypatch):
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
