"""The page of pictures."""

from wsss_leaderboard.site.pages import stem


def test_pictures_show_chosen_rows_and_layers_worst_first(open_page, board):
    page = open_page(f"{board}/pictures.html")
    assert page.locator("#album li").count() == 3
    page.get_by_label("why pixels are wrong").check()
    assert page.locator("#legend-causes").is_visible()
    assert "row-causes.png" in page.locator(".over").last.get_attribute("style")
    page.get_by_label("Order").select_option(stem("EPS"))
    assert page.locator("#album h2").all_text_contents() == ["b", "c", "a"]
    page.get_by_text("Rows", exact=True).click()
    page.locator("[name=row]").first.uncheck()
    assert page.locator("#album li").first.locator("[data-row]").count() == 1
    assert "layer=causes" in page.url
