"""How a comparison is printed: first by how much rows differ, then a few things that explain it."""

import io

import pytest
from rich.console import Console

from wsss_leaderboard.comparison.difference_view import beginning, print_difference
from wsss_leaderboard.tables.table import Column, Table, TableRow

BOARD = "leaderboard/board"


@pytest.fixture
def printed(tmp_path):
    def printed(**options):
        out = io.StringIO()
        console = Console(file=out, width=80)
        rows = (f"{BOARD}:{method}" for method in ("EPS", "CAM"))
        print_difference(*rows, tmp_path, False, console, False, **options)
        return out.getvalue()

    return printed


def test_the_difference_comes_first_in_few_lines(printed):
    text = printed()
    places = [text.index(title) for title in ("mIoU", "Settings that differ", "Images that")]
    assert places == sorted(places)
    assert len(text.splitlines()) <= 40
    assert "more: --all." in text


def test_all_rows_can_be_had(printed):
    text = printed(every=True)
    assert "more: --all." not in text
    assert len(text.splitlines()) > len(printed().splitlines())


def test_a_short_table_is_shown_whole():
    table = Table("Classes", (Column("class", words=True),), (TableRow(("a",)), TableRow(("b",))))
    assert beginning(table, 2) is table
    cut = beginning(table, 1)
    assert [row.cells for row in cut.rows] == [("a",)]
    assert cut.notes == ("1 more: --all.",)
