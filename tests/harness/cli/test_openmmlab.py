"""OpenMMLab packages over their continuation: found by name, and by what they overwrote."""

import base64
import hashlib
import sys

import pytest

from wsss_harness.cli.openmmlab import problems

NEEDS = {"onedl-mmcv": "onedl-mmcv<2.4,>=2.3.6"}
REINSTALL = "python -m pip install --force-reinstall --no-deps 'onedl-mmcv<2.4,>=2.3.6'"


@pytest.fixture
def install(tmp_path, monkeypatch):
    """Install a package of a module and a text as pip does, with a record of their digests."""
    monkeypatch.setattr(sys, "path", [str(tmp_path)])

    def install(name, version):
        module, notes = f"mmcv/{name}.py", "mmcv/notes.txt"
        contents = {"mmcv/version.py": version, module: name, notes: name}
        for path, content in contents.items():
            (tmp_path / path).parent.mkdir(exist_ok=True)
            (tmp_path / path).write_text(content)
        info = tmp_path / f"{name.replace('-', '_')}-{version}.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        lines = [f"{path},sha256={digest(content)},9" for path, content in contents.items()]
        (info / "RECORD").write_text("\n".join([*lines, f"{info.name}/RECORD,,"]))

    return install


def digest(content):
    hashed = hashlib.sha256(content.encode()).digest()
    return base64.urlsafe_b64encode(hashed).rstrip(b"=").decode()


def test_continuation_alone_is_fine(install):
    install("onedl-mmcv", "2.3.6")
    assert list(problems(NEEDS)) == []


def test_original_over_the_continuation_is_named_with_what_to_do(install):
    install("onedl-mmcv", "2.3.6")
    install("mmcv", "2.1.0")
    (problem,) = problems(NEEDS)
    assert "mmcv 2.1.0 of OpenMMLab is installed beside" in problem
    assert "onedl-mmcv 2.3.6" in problem
    assert "1 files of onedl-mmcv 2.3.6 are missing or not its own (mmcv/version.py)" in problem
    assert problem.endswith(f"python -m pip uninstall -y mmcv, then {REINSTALL}")


def test_original_under_the_continuation_is_named_as_well(install):
    install("mmcv-lite", "2.1.0")
    install("onedl-mmcv", "2.3.6")
    (problem,) = problems(NEEDS)
    assert "files of" not in problem
    assert "uninstall -y mmcv-lite" in problem


def test_original_in_place_of_the_continuation_is_named(install):
    install("mmsegmentation", "1.2.2")
    (problem,) = problems(NEEDS)
    assert "mmsegmentation 1.2.2 of OpenMMLab is installed and not its" in problem
    assert "--no-deps 'onedl-mmsegmentation'" in problem


@pytest.mark.parametrize("change", ["unlink", "overwrite"])
def test_files_that_an_original_took_away_are_found_without_it(install, tmp_path, change):
    """As after it was uninstalled, with all files that it had overwritten."""
    install("onedl-mmcv", "2.3.6")
    file = tmp_path / "mmcv/version.py"
    file.unlink() if change == "unlink" else file.write_text("2.1.0")
    (tmp_path / "mmcv/notes.txt").write_text("of nobody")
    (problem,) = problems(NEEDS)
    assert "1 files of onedl-mmcv 2.3.6 are missing or not its own (mmcv/version.py)" in problem
    assert problem.endswith(f"run {REINSTALL}")
