"""Rows of seeds below their method."""

import json


def test_seeds_unfold_below_their_row_and_stay_with_it(open_page, board, site):
    page = open_page(f"{board}/index.html")
    button = page.get_by_role("button", name="Seeds of EPS")
    button.click()
    page.locator(".seedrow").first.wait_for()
    assert button.get_attribute("aria-expanded") == "true"
    seed_row = page.locator("#board tr:has(a[href$='eps-83fc4d.html']) ~ tr").first
    assert seed_row.locator("th").text_content() == "seed 0"
    content = json.loads(
        (site / board / seed_row.locator("a").get_attribute("href")).read_text(encoding="utf-8")
    )
    miou = content["masks"]["score"]["miou"]
    place = page.evaluate("wsss.place('miou')")
    assert seed_row.locator(f":nth-child({place + 1})").text_content() == f"{100 * miou:.1f}"
    page.locator("#board th[data-key=method] button").click()
    assert page.locator("#board tr:has(a[href$='eps-83fc4d.html']) + tr.seedrow").count() == 1
    page.reload()
    page.locator(".seedrow").nth(1).wait_for()
    button.click()
    assert page.locator(".seedrow").count() == 0
    assert "open=" not in page.url
