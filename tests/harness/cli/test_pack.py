"""The commands `wsss pack export` and `wsss pack import`."""

import shutil
import sys

import pytest
import small_suite

from wsss_harness.cli import pack as commands
from wsss_leaderboard.cli import report
from wsss_leaderboard.cli.app import main


@pytest.fixture
def wsss(monkeypatch, tmp_path, capsys):
    plugins = small_suite.plugins()
    for module in (report, commands):
        monkeypatch.setattr(module, "installed", lambda: plugins)
    monkeypatch.chdir(tmp_path)
    suite = (
        'title = "Small"\ndataset = { name = "in_memory" }\ngenerators.R = { name = "redness" }\n'
        'rows = [{ method = "R", generator = "R", rule = { threshold = 0.5 } }]\n'
    )
    (tmp_path / "small.toml").write_text(suite)

    def run(*words):
        monkeypatch.setattr(sys, "argv", ["wsss", *words])
        try:
            main()
            code = 0
        except SystemExit as stop:
            code = stop.code or 0
        printed = capsys.readouterr()
        return code, printed.out + printed.err

    return run


def test_an_exported_pack_is_imported_as_a_row_of_another_suite(wsss, tmp_path):
    assert wsss("run", "small.toml")[0] == 0
    code, out = wsss("pack", "export", "small.toml", "R", "out")
    assert code == 0
    assert "wrote out: masks of 8 images by R, supervision image_labels" in out
    shutil.rmtree(tmp_path / "out" / "masks" / "x", ignore_errors=True)
    words = ("--method", "Theirs", "--supervision", "image_labels")
    code, out = wsss("pack", "import", "out/masks", "small.toml", "in", *words)
    assert code == 0
    rows = out[out.index("[generators") :].replace("[[rows]]", "[[rows]]")
    head = 'title = "With a pack"\ndataset = { name = "in_memory" }\n'
    (tmp_path / "with.toml").write_text(head + rows)
    code, out = wsss("run", "with.toml")
    assert code == 0, out
    assert "Theirs" in out
    assert "I. (p)" in out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("export", "small.toml", "R", "out"), "has not been run in runs; run it first"),
        (("export", "small.toml", "Q", "out"), "'Q'; there is R"),
        (("import", "nowhere", "small.toml", "in"), "nowhere is not a folder"),
        (("import", ".", "small.toml", "in", "--layout", "npy"), "no layout is called 'npy'"),
    ],
)
def test_a_mistake_gives_one_sentence_and_no_traceback(wsss, words, message):
    code, out = wsss("pack", *words)
    assert code == 2
    assert message in " ".join(out.split())
    assert "Traceback" not in out


def test_a_row_that_was_not_finished_is_not_exported(wsss):
    assert wsss("run", "small.toml")[0] == 0
    code, out = wsss("pack", "export", "small.toml", "R", "out", "--seed", "7")
    assert code == 2
    assert "the masks of 'R', seed 7, are not in runs; run the suite first" in " ".join(out.split())
