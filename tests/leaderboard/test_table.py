"""A table holds the same content everywhere, and is inert whatever a label holds."""

import io
import json

import pytest
from rich.console import Console

from wsss_leaderboard.report import said_once
from wsss_leaderboard.table import Column, Row, Table, write_tables

HOSTILE = "a|b [bold]c[/] <script>\n`d` $x$\x1b[31m\u202e"
COLUMNS = (Column("Method", words=True), Column("mIoU"), Column("recall"))


@pytest.fixture
def table():
    rows = (
        Row(("CAM", "41.2 ±0.7", "62.1")),
        Row(("EPS", "60.5 ±0.6", "58.0"), best=frozenset({1})),
        Row(("All background", "9.5", "-"), "control"),
        Row(("Saliency, true classes", "61.1", "-"), "bound"),
    )
    return Table("Masks", COLUMNS, rows, ("One note.", "Two notes."))


@pytest.fixture
def hostile():
    row = Row((HOSTILE, "1.0", "2.0"), best=frozenset({1}))
    return Table(HOSTILE, COLUMNS, (row,), (HOSTILE,))


def printed(table, width=80):
    console = Console(width=width, file=io.StringIO(), record=True, force_terminal=True)
    console.print(table)
    return console.export_text()


def test_markdown(table):
    assert table.markdown() == (
        "**Masks**\n"
        "\n"
        "| Method | mIoU | recall |\n"
        "| --- | ---: | ---: |\n"
        "| CAM | 41.2 ±0.7 | 62.1 |\n"
        "| EPS | **60.5 ±0.6** | 58.0 |\n"
        "| All background† | 9.5 | - |\n"
        "| Saliency, true classes‡ | 61.1 | - |\n"
        "\n"
        "One note.  \n"
        "Two notes.\n"
    )


def test_csv(table):
    assert table.csv() == (
        "Method,mIoU,recall,kind\n"
        "CAM,41.2 ±0.7,62.1,method\n"
        "EPS,60.5 ±0.6,58.0,method\n"
        "All background,9.5,-,control\n"
        '"Saliency, true classes",61.1,-,bound\n'
    )


def test_json_holds_what_csv_holds(table):
    content = json.loads(json.dumps(table.json()))
    assert content["rows"][1] == {
        "Method": "EPS",
        "mIoU": "60.5 ±0.6",
        "recall": "58.0",
        "kind": "method",
    }
    assert [row["kind"] for row in content["rows"]] == ["method", "method", "control", "bound"]
    assert (content["title"], content["notes"]) == ("Masks", ["One note.", "Two notes."])


def test_a_wide_terminal_shows_one_block(table):
    lines = [line.rstrip() for line in printed(table).splitlines()]
    assert lines[0] == "Masks"
    assert lines[1].split() == ["Method", "mIoU", "recall"]
    assert lines[4] == "EPS                      60.5 ±0.6    58.0"
    assert lines[6] == "Saliency, true classes‡       61.1       -"
    assert lines[7:9] == ["One note.", "Two notes."]


def test_controls_are_dim_and_the_best_is_bold(table):
    console = Console(width=80, file=io.StringIO(), force_terminal=True, color_system="standard")
    console.print(table)
    cam, best, control, bound = console.file.getvalue().splitlines()[3:7]
    assert "\x1b[" not in cam
    assert "\x1b[1m60.5 ±0.6\x1b[0m" in best
    assert control.startswith("\x1b[2m")
    assert bound.startswith("\x1b[2m")


@pytest.mark.parametrize("width", [24, 30, 34, 40, 80, 200])
def test_no_number_is_cut_or_wrapped(table, width):
    """Columns that find no room come in a second block, beside the first column again."""
    text = printed(table, width)
    for number in ("41.2 ±0.7", "60.5 ±0.6", "62.1", "58.0", "61.1"):
        assert text.count(number) == 1
    assert "…" not in text
    assert max(map(len, text.splitlines())) <= width
    assert text.count("Method") == (2 if width < 34 else 1)


def test_words_wrap_before_numbers_move_down(table):
    text = printed(table, 34)
    assert "Saliency, true " in text
    assert "Saliency, true classes‡" not in text


def test_markdown_is_inert(hostile):
    title, _, _, _, row, _, note = hostile.markdown().splitlines()
    inert = r"a\|b \[bold\]c\[/\] \<script\> \`d\` \$x\$ \[31m "
    assert row == f"| {inert} | **1.0** | 2.0 |"
    assert (title, note) == (f"**{inert}**", inert.rstrip())


def test_csv_is_inert(hostile):
    _, row = hostile.csv().splitlines()
    assert row == "a|b [bold]c[/] <script> `d` $x$ [31m ,1.0,2.0,method"


def test_the_terminal_is_inert(hostile):
    text = printed(hostile, 120)
    assert text.count("a|b [bold]c[/] <script> `d` $x$ [31m ") == 3
    assert "\x1b" not in text
    assert "\u202e" not in text


def test_a_label_without_spaces_is_folded():
    text = printed(Table("T", COLUMNS, (Row(("x" * 100, "1.0", "2.0")),)), 60)
    assert text.count("x") == 100
    assert max(map(len, text.splitlines())) <= 60


def test_tables_are_written_for_people_and_programs(tmp_path, table):
    write_tables(tmp_path, [("masks", table)])
    assert (tmp_path / "masks.md").read_text(encoding="utf-8") == table.markdown()
    assert (tmp_path / "masks.csv").read_text(encoding="utf-8") == table.csv()
    assert json.loads((tmp_path / "masks.json").read_text(encoding="utf-8")) == table.json()


def test_what_stands_below_a_table_is_not_said_below_the_next():
    first = Table("first", (), (), ("shared", "of the first"))
    second = Table("second", (), (), ("shared", "of the second"))
    notes = [table.notes for table in said_once([first, second, second])]
    assert notes == [("shared", "of the first"), ("of the second",), ()]
