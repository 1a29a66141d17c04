"""Sorting, filters and columns of a board in a browser."""

import pytest
import sites
from browsing import method_names


@pytest.mark.parametrize("width", [1400, 390])
def test_click_on_a_head_sorts_and_is_kept_in_the_address(open_page, board, width):
    page = open_page(f"{board}/index.html", width)
    before = method_names(page)
    assert before[0] == "EPS"
    head = page.locator("#board th[data-key=miou]")
    assert head.get_attribute("aria-sort") == "descending"
    head.get_by_role("button").click()
    assert head.get_attribute("aria-sort") == "ascending"
    assert method_names(page) == [*before[-2::-1], sites.FAILED]  # what has no number stays last
    assert "sort=miou" in page.url
    assert "lowest first" in page.locator("#status").text_content()
    page.reload()
    assert method_names(page) == [*before[-2::-1], sites.FAILED]


def test_tie_groups_are_separated_only_when_sorted_by_group(open_page, board):
    page = open_page(f"{board}/index.html?sort=group")
    groups = page.locator("#board tbody.method tr").evaluate_all(
        "rows => rows.map(r => [r.cells[wsss.place('group')].textContent, r.className])"
    )
    begins = [place for place, (_, name) in enumerate(groups) if "new-group" in name]
    assert begins == [n for n in range(1, len(groups)) if groups[n][0] != groups[n - 1][0]] != []
    page.locator("#board th[data-key=method] button").click()
    assert page.locator("#board .new-group").count() == 0


def test_table_sorts_from_the_keyboard(open_page, board):
    page = open_page(f"{board}/index.html")
    page.locator("#board th[data-key=method] button").focus()
    page.keyboard.press("Enter")
    methods = method_names(page)
    assert methods == sorted(methods, key=str.lower)
    assert page.locator("#board [aria-sort]").count() == 1


@pytest.mark.parametrize("width", [1400, 390])
def test_filters_hide_rows_and_the_status_counts_them(open_page, board, width):
    page = open_page(f"{board}/index.html", width)
    page.get_by_label("Find").fill("cam")
    assert sorted(method_names(page)) == ["CAM", "CAM + CRF"]
    page.get_by_label("Supervision").select_option("F.")
    assert method_names(page) == []
    assert page.locator("#status").text_content().startswith("0 of 9 rows")
    page.get_by_role("button", name="Reset").click()
    assert len(method_names(page)) == len(sites.HOSTILE_QUALITIES)
    assert "?" not in page.url


def test_hidden_columns_stay_hidden_after_a_reload(open_page, board):
    page = open_page(f"{board}/index.html")
    page.get_by_text("Columns").click()
    page.get_by_label("95 % interval").uncheck()
    assert page.locator("#board th[data-key=interval]").is_hidden()
    assert "hide=interval" in page.url
    page.reload()
    assert page.locator("#board td.iv").first.is_hidden()


def test_board_is_complete_without_scripts(open_page, board):
    page = open_page(f"{board}/index.html", java_script_enabled=False)
    assert page.locator("#board tbody.method tr").count() == len(sites.HOSTILE_QUALITIES)
    assert page.locator("#controls").is_hidden()
    assert page.get_by_text("Sorted by mIoU of the pseudo-masks").is_visible()
