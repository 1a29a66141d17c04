"""A table holds the same content everywhere, and is inert whatever a label holds."""

import csv
import io
import json
import re
import shutil
import subprocess
from dataclasses import replace
from xml.etree import ElementTree

import html5lib
import pytest
from rich.console import Console

from wsss_leaderboard.cli.report import without_repeated_notes
from wsss_leaderboard.tables import latex
from wsss_leaderboard.tables.table import LONGEST, Column, Table, TableRow, write_tables

HOSTILE = "a|b [bold]c[/] <script>\n`d` $x$\x1b[31m\u202e"
COLUMNS = (Column("Method", words=True), Column("mIoU"), Column("recall"))


@pytest.fixture
def table():
    rows = (
        TableRow(("CAM", "41.2 ±0.7", "62.1"), second=frozenset({1})),
        TableRow(("EPS", "60.5 ±0.6", "58.0"), best=frozenset({1})),
        TableRow(("All background", "9.5", "-"), "control"),
        TableRow(("Saliency, true classes", "61.1", "-"), "bound"),
    )
    return Table("Masks", COLUMNS, rows, ("One note.", "Two notes."))


@pytest.fixture
def hostile():
    row = TableRow((HOSTILE, "1.0", "2.0"), best=frozenset({1}))
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
        "| CAM | <ins>41.2 ±0.7</ins> | 62.1 |\n"
        "| EPS | **60.5 ±0.6** | 58.0 |\n"
        "| All background† | 9.5 | - |\n"
        "| Saliency, true classes‡ | 61.1 | - |\n"
        "\n"
        "One note.  \n"
        "Two notes.\n"
    )


def test_published_rows_are_in_italics():
    row = TableRow(("SEAM", "55.41", "-"), "published")
    assert "| *SEAM§* | *55.41* | *-* |" in Table("T", COLUMNS, (row,)).markdown()


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


LATEX = r"""\begin{table}
\centering
\caption{Masks}
\label{tab:masks}
\begin{tabular}{lrr}
\toprule
Method & mIoU & recall \\
\midrule
CAM & \underline{41.2 $\pm$0.7} & 62.1 \\
EPS & \textbf{60.5 $\pm$0.6} & 58.0 \\
\textit{All background\textdagger{}} & \textit{9.5} & \textit{-} \\
\textit{Saliency, true classes\textdaggerdbl{}} & \textit{61.1} & \textit{-} \\
\bottomrule
\end{tabular}
\par\smallskip\footnotesize\raggedright One note.
\par\smallskip\footnotesize\raggedright Two notes.
\end{table}
"""


def test_latex(table):
    assert replace(table, label="tab:masks").latex() == LATEX


def test_html(table):
    root = ElementTree.fromstring(table.html())
    assert root.find("caption").text == "Masks"
    assert [head.get("scope") for head in root.iterfind("thead/tr/th")] == ["col"] * 3
    cam, eps, control, bound = root.iterfind("tbody/tr")
    assert [row.get("class") for row in (cam, eps, control, bound)] == [
        *("method", "method", "control", "bound")
    ]
    assert cam.find("th").get("scope") == "row"
    assert [cell.get("data-value") for cell in eps.iterfind("td")] == ["60.5", "58.0"]
    assert control.findall("td")[1].get("data-value") is None
    assert (cam.find("td/u").text, eps.find("td/strong").text) == ("41.2 ±0.7", "60.5 ±0.6")
    assert [note.text for note in root.iterfind("tfoot/tr/td")] == ["One note.", "Two notes."]


@pytest.mark.parametrize("name", ["table", "hostile"])
def test_html_is_valid(name, request):
    page = f"<!doctype html><title>t</title>{request.getfixturevalue(name).html()}"
    html5lib.HTMLParser(strict=True).parse(page)


def cells_of(table):
    """The cells of each form of a table, without its marks."""
    root = ElementTree.fromstring(table.html())
    lines = re.findall(r"^(.+) \\\\$", table.latex(), flags=re.MULTILINE)[1:]
    marks = r"\\(?:textbf|underline|textit)\{|\}$|(?<=\})\}|\\textdagger(?:dbl)?\{\}"
    return {
        "html": [
            ["".join(c.itertext()).rstrip("†‡") for c in r] for r in root.iterfind("tbody/tr")
        ],
        "latex": [
            [re.sub(marks, "", cell).replace(r"$\pm$", "±") for cell in line.split(" & ")]
            for line in lines
        ],
        "markdown": [
            [re.sub(r"\*\*|</?ins>|[†‡]", "", cell) for cell in line[2:-2].split(" | ")]
            for line in table.markdown().splitlines()[4:-3]
        ],
        "csv": [row[:-1] for row in csv.reader(io.StringIO(table.csv()))][1:],
        "json": [list(row.values())[:-1] for row in table.json()["rows"]],
    }


def test_every_form_has_the_same_cells(table):
    whole = [list(row.cells) for row in table.rows]
    assert cells_of(table) == dict.fromkeys(("html", "latex", "markdown", "csv", "json"), whole)
    shown = [re.split(r"  +", line.strip()) for line in printed(table).splitlines()[3:7]]
    assert [[cell.rstrip("†‡") for cell in line] for line in shown] == whole


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
    assert "\x1b[4m41.2 ±0.7\x1b[0m" in cam
    assert "\x1b[1m" not in cam
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


@pytest.mark.parametrize("cell", ["=1+1", "+1|calc", "-1+cmd", "@SUM(A1)"])
def test_csv_holds_no_formula(cell):
    row = TableRow((cell, "-0.6", "+1.2 ±0.3 (-0.5)"))
    _, line = Table("T", COLUMNS, (row,)).csv().splitlines()
    assert line == f"'{cell},-0.6,+1.2 ±0.3 (-0.5),method"


def test_html_is_inert(hostile):
    html = hostile.html()
    assert html.isascii()
    root = ElementTree.fromstring(html)
    assert root.find("tbody/tr/th").text == "a|b [bold]c[/] <script> `d` $x$ [31m "
    assert not list(root.iter("script"))


def test_json_is_inert(hostile):
    text = json.dumps(hostile.json(), ensure_ascii=False)
    assert "\u202e" not in text
    assert "\\u001b" not in text


EVERY = "".join(map(chr, range(32, 127))) + "é ß Š ő 中 😀 ± × → ≤ ≥ – — … † ‡ § ¹⁰ -1"  # noqa: RUF001


def test_latex_is_inert(hostile):
    assert r"\$x\$" in hostile.latex()
    text = latex.escape(EVERY)
    assert text.isascii()
    for special in "{}$&#%_":
        unescaped = re.sub(rf"\\\{special}", "", latex.escape(special * 3))
        assert special not in unescaped
    commands = set(re.findall(r"\\([A-Za-z]+)", text))
    assert commands == {
        *("textbackslash", "textasciicircum", "textasciitilde", "textless", "textgreater"),
        *("textbar", "char", "pm", "times", "to", "le", "ge", "dots"),
        *("textdagger", "textdaggerdbl", "S", "v", "H"),
    }
    assert latex.escape("中") == "{[}U+4E2D{]}"
    assert latex.escape("-1 (-0.5) a-1") == "$-$1 ($-$0.5) a-1"


def test_the_groups_of_latex_are_balanced(hostile):
    row = TableRow((EVERY, "1", "2"), "published", second=frozenset({1}))
    text = replace(hostile, rows=(*hostile.rows, row), title=EVERY).latex()
    depth = 0
    for sign in re.findall(r"(?<!\\)(?:\\\\)*([{}])", text):
        depth += 1 if sign == "{" else -1
        assert depth >= 0
    assert depth == 0
    for line in text.splitlines():
        if line.endswith(r" \\"):
            assert len(re.findall(r"(?<!\\)&", line)) == 2


@pytest.mark.skipif(not shutil.which("pdflatex"), reason="there is no pdflatex")
def test_latex_compiles(tmp_path, hostile):
    row = TableRow((EVERY, "1", "2"), "published", second=frozenset({1}))
    body = replace(hostile, rows=(*hostile.rows, row), title=EVERY, notes=(EVERY,)).latex()
    page = (
        rf"\documentclass{{article}}\usepackage{{booktabs}}\begin{{document}}{body}\end{{document}}"
    )
    (tmp_path / "t.tex").write_text(page, encoding="utf-8")
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "-draftmode", "t.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, check=False)
    assert done.returncode == 0, done.stdout.decode("latin-1")[-1500:]


def test_a_very_long_name_is_cut_except_in_csv():
    table = Table("T", COLUMNS, (TableRow(("x" * 10_000, "1.0", "2.0")),))
    for text in (table.markdown(), table.latex(), table.html(), printed(table, 60)):
        assert text.count("x") <= LONGEST
    assert "x" * 10_000 in table.csv()


def test_the_terminal_is_inert(hostile):
    text = printed(hostile, 120)
    assert text.count("a|b [bold]c[/] <script> `d` $x$ [31m ") == 3
    assert "\x1b" not in text
    assert "\u202e" not in text


def test_a_label_without_spaces_is_folded():
    text = printed(Table("T", COLUMNS, (TableRow(("x" * 100, "1.0", "2.0")),)), 60)
    assert text.count("x") == 100
    assert max(map(len, text.splitlines())) <= 60


def test_tables_are_written_for_people_and_programs(tmp_path, table):
    write_tables(tmp_path, [("masks", table)])
    assert (tmp_path / "masks.md").read_text(encoding="utf-8") == table.markdown()
    assert (tmp_path / "masks.csv").read_text(encoding="utf-8") == table.csv()
    assert json.loads((tmp_path / "masks.json").read_text(encoding="utf-8")) == table.json()


def test_a_note_is_printed_once_for_several_tables():
    first = Table("first", (), (), ("shared", "of the first"))
    second = Table("second", (), (), ("shared", "of the second"))
    notes = [table.notes for table in without_repeated_notes([first, second, second])]
    assert notes == [("shared", "of the first"), ("of the second",), ()]
