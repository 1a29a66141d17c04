"""The page that compares two rows."""

import pytest
import sites

from wsss_leaderboard.site.pages import MINUS, stem


def test_two_rows_are_compared(open_page, board, site):
    page = open_page(f"{board}/compare.html?a={stem('CAM')}&b={stem('EPS')}")
    page.locator("#means tbody tr").first.wait_for()
    cells = page.locator("#means tbody tr").first.locator("td").all_text_contents()
    assert float(cells[2].replace(MINUS, "-")) == pytest.approx(
        float(cells[1]) - float(cells[0]), abs=0.11
    )
    assert cells[-1] == "B is better"
    assert page.locator("#classes tbody tr").count() == 21
    assert "fit 1: lr" not in page.locator("#settings").text_content()  # names of equal length
    page.get_by_role("button", name="Swap").click()
    page.get_by_text("A is better").first.wait_for()
    assert f"a={stem('EPS')}" in page.url


def test_failed_row_has_no_difference(open_page, board):
    page = open_page(f"{board}/compare.html?a={stem(sites.FAILED)}&b={stem('EPS')}")
    assert page.get_by_text("one row did not finish").first.is_visible()


def test_page_opens_with_the_two_best_methods(open_page, board):
    page = open_page(f"{board}/compare.html")
    page.locator("#means tbody tr").first.wait_for()
    best = page.locator("#pair select[name=a] optgroup[data-kind=method] option").nth(0)
    assert page.locator("#pair select[name=b]").input_value() == best.get_attribute("value")
    assert page.locator("#pair select[name=a]").input_value() not in (
        "",
        best.get_attribute("value"),
    )
