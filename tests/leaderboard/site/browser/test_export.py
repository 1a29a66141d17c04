"""Exports of the view that a reader has chosen."""

import csv
import io

import pytest
import sites
from browsing import column_texts, method_names

from wsss_leaderboard.site.build import build


@pytest.mark.parametrize("form", ["csv", "md", "tex"])
def test_export_holds_exactly_what_is_shown(open_page, board, form):
    page = open_page(f"{board}/index.html?q=cam&hide=interval,verified&sort=miou")
    text = page.evaluate("form => wsss.exported(form)", form)
    shown = method_names(page) + method_names(page, "reference")
    if form == "csv":
        rows = list(csv.DictReader(io.StringIO(text)))
        assert [row["Method"] for row in rows] == shown
        assert {row["kind"] for row in rows} == {"method"}
        assert "Verified" not in rows[0]
        assert rows[0]["mIoU"].startswith(column_texts(page, "miou")[0].split()[0])
    elif form == "md":
        lines = text.splitlines()
        assert lines[0].startswith("| Rank | Tie group | Method | mIoU |")
        assert [line.split(" | ")[2] for line in lines[2:4]] == shown
        assert page.url in lines[-1].replace("- -", "--")
    else:
        assert text.count("\\\\") == 1 + len(shown)
        assert "$\\pm$" in text
        assert text.splitlines()[2:3] == ["\\toprule"]


def test_method_with_a_single_run_is_exported_as_a_method(browser, tmp_path):
    build([sites.write(tmp_path / "r", {"CAM": 0.0}, seeds=(0,))], tmp_path / "out")
    page = browser.new_page()
    page.goto(f"file://{next((tmp_path / 'out').glob('*/compare.html')).with_name('index.html')}")
    assert page.locator("#board tr.single").count() == 1
    rows = csv.DictReader(io.StringIO(page.evaluate("wsss.exported('csv')")))
    assert [row["kind"] for row in rows] == ["method", "control", "control", "bound"]
    page.close()


def test_export_opens_in_a_dialog_that_closes(open_page, board):
    page = open_page(f"{board}/index.html")
    page.get_by_text("Export this view").click()
    page.get_by_role("button", name="LaTeX").click()
    text = page.get_by_role("textbox", name="Exported table")
    assert text.input_value() == page.evaluate("wsss.exported('tex')")
    page.get_by_role("button", name="Close").click()
    assert text.is_hidden()


def test_markup_in_names_is_exported_as_text(open_page, board):
    page = open_page(f"{board}/index.html?q=img")
    assert "\\<img src=x onerror=alert(1)\\>" in page.evaluate("wsss.exported('md')")
    assert '"<img src=x onerror=alert(1)>"' in page.evaluate("wsss.exported('csv')")
