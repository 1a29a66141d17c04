"""What a table file may ask for, and what is said of one that asks for something else."""

import re
from pathlib import Path
from typing import get_args

import pytest

from wsss_harness.contract.errors import DataError
from wsss_harness.system.files import configs
from wsss_harness.system.models import read_toml
from wsss_leaderboard.tables.cells import OF_MASKS, OF_SEGMENTORS
from wsss_leaderboard.tables.filled import fill
from wsss_leaderboard.tables.tablefiles import Beside, Words, is_table_file, read

FILE = """
title = "A table"
label = "tab:a"
dataset = "voc2012"
within = ["Sup."]
columns = [
    { head = "Method", words = "method" },
    { head = "Sup.", words = "sup" },
    { head = "Paper", figure = "published", split = "train" },
    { head = "ours", number = "mIoU", less = "Paper", footnote = "a" },
]
rows = [{ method = "EPS" }]
[footnotes]
a = "A note."
"""


def written(folder, text):
    path = folder / "a.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_table_file_is_read(tmp_path):
    table = read(written(tmp_path, FILE))
    assert [column.head for column in table.columns] == ["Method", "Sup.", "Paper", "ours"]
    assert (table.bold, table.underline) == ("column", "none")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('title = "A table"', 'titel = "A table"', "field 'title'"),
        ('title = "A table"', 'title = "A table', "cannot be read as TOML"),
        ('label = "tab:a"', 'label = "}\\\\input{x}"', "field 'label'"),
        ('words = "method"', 'words = "name"', r"field 'columns\.0\.words'"),
        ('words = "method"', 'words = "sup"', "the first column has words"),
        (
            'number = "mIoU"',
            'number = "mIoU", words = "sup"',
            "one of words, number, standing and figure",
        ),
        (
            ', split = "train"',
            ', split = "trian"',
            "no split is named 'trian'; did you mean 'train'",
        ),
        ('number = "mIoU"', 'number = "mIoU", split = "train"', "only a column of figures"),
        ('head = "Sup."', 'head = "Method"', "two columns have the same head"),
        ('within = ["Sup."]', 'within = ["Paper"]', "within names 'Paper', which is no column of"),
        ('less = "Paper"', 'less = "Sup."', "less names 'Sup.', which is no column of numbers"),
        ('footnote = "a"', 'footnote = "b"', "there is no footnote 'b'"),
        (
            'dataset = "voc2012"',
            'dataset = "voc"',
            "no dataset is named 'voc'; did you mean 'voc2012'",
        ),
        ('dataset = "voc2012"', "", "a table with figures names their dataset"),
        ('bold = "row"', 'bold = "cell"', "field 'bold'"),
        ('method = "EPS"', 'segmentor = "V1"', r"field 'rows\.0\.method'"),
    ],
)
def test_a_mistake_in_a_table_file_is_named(tmp_path, old, new, message):
    path = written(tmp_path, ('bold = "row"\n' + FILE).replace(old, new))
    with pytest.raises(DataError, match=rf"a\.toml.*{message}"):
        read(path)


def test_the_example_of_the_docs_is_valid(tmp_path):
    page = (Path(__file__).parents[3] / "docs/tables.md").read_text(encoding="utf-8")
    table = read(written(tmp_path, re.search(r"```toml\n(.+?)```", page, re.DOTALL)[1]))
    assert [row.method for row in table.rows] == ["CAM", "EPS"]
    assert all(f"`{word}`" in page for kind in (Words, Beside) for word in get_args(kind))
    assert all(f"`{number}`" in page for number in (*OF_MASKS, *OF_SEGMENTORS))


def test_a_suite_is_not_a_table_file(tmp_path):
    assert is_table_file(written(tmp_path, FILE))
    assert not is_table_file(configs() / "suites/railscenes.toml")
    assert not is_table_file(tmp_path / "none.toml")
    assert not is_table_file(tmp_path)


@pytest.mark.parametrize(
    "path", sorted((configs() / "tables").glob("*.toml")), ids=lambda p: p.stem
)
def test_shipped_table_files_work_without_records(path):
    asked = read(path)
    assert (configs() / "suites" / f"{asked.suite}.toml").is_file()
    table = fill(asked, [])
    assert any(asked.suite in note for note in table.notes)
    places = [place for place, column in enumerate(asked.columns) if column.number]
    assert all(row.cells[place] == "-" for row in table.rows for place in places)
    assert bool(table.rows) == bool(asked.rows)
    runs = segmentors_by_method(asked.suite)
    for row, filled in zip(asked.rows, table.rows, strict=True):
        assert filled.kind == "published" or row.segmentor in runs[row.method], row


def segmentors_by_method(suite):
    """What the rows of a shipped suite are trained on, "" for masks."""
    rows = read_toml(configs() / f"suites/{suite}.toml").get("rows", ())
    return {row["method"]: ("", *row.get("segmentors", ())) for row in rows}


@pytest.mark.parametrize("name", ["masks", "segmentation", "affinity"])
def test_every_row_of_the_reports_tables_is_run_by_its_suite(name):
    spec = read(configs() / f"tables/report_{name}.toml")
    runs = segmentors_by_method(spec.suite)
    for row, filled in zip(spec.rows, fill(spec, []).rows, strict=True):
        assert row.segmentor in runs[row.method]
        for column, cell in zip(spec.columns, filled.cells, strict=True):
            if column.refiner and cell != "-":
                assert row.segmentor in runs[f"{row.method} + {column.refiner}"]
