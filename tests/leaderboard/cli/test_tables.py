"""Tables are printed in each form, and those of a page are kept as the records have them."""

import csv
import io
import json
from pathlib import Path
from xml.etree import ElementTree

import pytest
from sample_records import controls, record
from typer.testing import CliRunner

from wsss_harness.cli.options import OutputFormat
from wsss_harness.contract.errors import ConfigError, DataError
from wsss_harness.store.layout import RECORDS
from wsss_leaderboard.cli.app import app
from wsss_leaderboard.cli.tables import BLOCK, MARK, update, updated
from wsss_leaderboard.records.record import save_record
from wsss_leaderboard.tables.table import FORMATS

ROOT = Path(__file__).parents[3]
BOARD = "leaderboard/board"
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
FILE = """
title = "A table"
suite = "small"
columns = [
    { head = "Method", words = "method" },
    { head = "ours", number = "mIoU" },
]
rows = [{ method = "EPS" }, { method = "CAM" }]
"""
PAGE = """# A page

<!-- wsss table a.toml --results board -->
old
<!-- end of table -->

More.
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A table file, a board and a page."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.toml").write_text(FILE)
    (tmp_path / "page.md").write_text(PAGE)
    write(tmp_path / "board", 0.5)
    return tmp_path


def write(board, miou):
    (board / RECORDS).mkdir(parents=True, exist_ok=True)
    for place, entry in enumerate([record("EPS", miou=miou), record("CAM", miou=0.4), *controls()]):
        save_record(entry, board / RECORDS / f"{place}.json")


def wsss(*words):
    result = CliRunner().invoke(app, ["table", *words])
    return result.exit_code, result.output


def test_a_table_file_is_printed_in_every_form(folder):
    words = ("a.toml", "--results", "board")
    assert "EPS (h)" in wsss(*words)[1]
    assert "| EPS (h) | **50.0** |" in wsss(*words, "--format", "markdown")[1]
    assert "EPS (h) & \\textbf{50.0}" in wsss(*words, "--format", "latex")[1]
    table = ElementTree.fromstring(wsss(*words, "--format", "html")[1])
    assert table.find("tbody/tr/td/strong").text == "50.0"
    rows = list(csv.reader(io.StringIO(wsss(*words, "--format", "csv")[1])))
    assert rows[1] == ["EPS (h)", "50.0", "method"]
    for form in (("--json",), ("--format", "json")):
        assert json.loads(wsss(*words, *form)[1])["a"]["rows"][0]["ours"] == "50.0"


def test_the_command_knows_every_form():
    assert {form.value for form in OutputFormat} == {"terminal", "json", *FORMATS}


def test_the_tables_of_a_suite_have_every_form_too(folder):
    write(folder / "runs/results/small", 0.5)
    assert "Results: runs/results/small" in wsss("small")[1]
    assert wsss("small.toml", "--format", "latex")[1].count(r"\begin{table}") == 1
    text = wsss("small.toml", "--format", "latex", "--all")[1]
    assert text.count(r"\begin{table}") == text.count(r"\end{table}") >= 3


def test_one_table_is_printed_and_the_others_are_named(folder):
    write(folder / "runs/results/small", 0.5)
    summary, every = wsss("small")[1], wsss("small", "--all")[1]
    assert "Pseudo-masks" not in summary
    assert "--all, or --only one of masks, failures, segmentation" in summary
    assert "Pseudo-masks" in every
    assert "mIoU in percent" in every
    failures = wsss("small", "--only", "failures")[1]
    assert failures.startswith("Coverage, boundaries and context")


def test_a_table_that_is_not_there_is_named_with_the_nearest(folder):
    write(folder / "runs/results/small", 0.5)
    result = CliRunner().invoke(app, ["table", "small", "--only", "failure"])
    assert isinstance(result.exception, ConfigError)
    assert "did you mean 'failures'?" in str(result.exception)


def test_the_results_of_its_suite_are_read_if_there_are_any(folder):
    assert "Nothing measured yet: run the suite file small.toml." in wsss("a.toml")[1]
    write(folder / "runs/results/small", 0.75)
    assert "75.0" in wsss("a.toml")[1]


def test_results_that_are_named_have_to_be_there(folder):
    result = CliRunner().invoke(app, ["table", "a.toml", "--results", "none"])
    assert isinstance(result.exception, DataError)
    assert "there are no records in none" in str(result.exception)


@pytest.mark.parametrize(
    ("source", "message"),
    [("smal.toml", "there is no file smal.toml, and"), ("small", "were run as small-0a1b2c;")],
)
def test_results_that_are_not_there_are_told_from_those_that_are(folder, source, message):
    write(folder / "runs/results/small-0a1b2c", 0.5)
    result = CliRunner().invoke(app, ["table", source])
    assert isinstance(result.exception, DataError)
    assert message in str(result.exception)


def test_a_page_is_brought_up_to_date(folder):
    assert wsss("--update", "page.md", "--check") == (1, "page.md is stale\n")
    assert (folder / "page.md").read_text() == PAGE
    assert wsss("--update", "page.md") == (0, "page.md was updated\n")
    text = (folder / "page.md").read_text()
    assert "\nold\n" not in text
    assert "| EPS (h) | **50.0** |" in text
    assert text.startswith(
        "# A page\n\n<!-- wsss table a.toml --results board -->\n\n**A table**\n"
    )
    assert text.endswith("\n\n<!-- end of table -->\n\nMore.\n")
    assert wsss("--update", "page.md", "--check") == (0, "page.md is up to date\n")
    write(folder / "board", 0.6)
    assert wsss("--update", "page.md", "--check")[0] == 1


def test_a_mark_that_is_quoted_is_text(folder):
    quoted = PAGE.replace("<!--", "    <!--") + PAGE
    (folder / "page.md").write_text(quoted)
    assert updated(folder / "page.md").startswith(PAGE.replace("<!--", "    <!--"))


def test_a_page_shows_nothing_that_lies_about(folder):
    """Without a folder in its mark, so that it is the same on every machine."""
    write(folder / "runs/results/small", 0.75)
    (folder / "page.md").write_text(PAGE.replace(" --results board", ""))
    assert "Nothing measured yet" in updated(folder / "page.md")


def test_paths_of_a_page_begin_at_the_page(folder, monkeypatch):
    monkeypatch.chdir("/")
    assert "**50.0**" in updated(folder / "page.md")


@pytest.mark.parametrize(
    ("old", "new", "error", "message"),
    [
        ("<!-- end of table -->", "", ConfigError, "1 marks of a table, 0 of them complete"),
        ("<!-- wsss table a", "<!-- a", ConfigError, "0 marks of a table"),
        ("--results board", "--result board", ConfigError, "is not FILE.toml --results FOLDER"),
        ("--results board", "--results", ConfigError, "is not FILE.toml --results FOLDER"),
        ("--results board", "--results none", DataError, "there are no records in"),
        ("a.toml", "b.toml", DataError, "b.toml cannot be read"),
    ],
)
def test_a_mark_that_says_something_else_is_named(folder, old, new, error, message):
    (folder / "page.md").write_text(PAGE.replace(old, new))
    with pytest.raises(error, match=message):
        update(folder / "page.md", check=True)
    assert "old" in (folder / "page.md").read_text()


def test_a_page_that_is_missing_is_named(tmp_path):
    with pytest.raises(DataError, match=r"none\.md cannot be read"):
        update(tmp_path / "none.md", check=False)


@pytest.mark.parametrize(
    "page", [p for p in PAGES if MARK.search(p.read_text())], ids=lambda p: p.name
)
def test_the_tables_of_our_pages_are_what_the_records_have(page):
    marks = [words for words, _ in BLOCK.findall(page.read_text())]
    if any(BOARD in words for words in marks) and not (ROOT / BOARD / RECORDS).is_dir():
        pytest.skip("the board has no records yet")
    assert not update(page, check=True), "`make pages` makes them again"
