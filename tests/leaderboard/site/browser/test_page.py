"""What all pages share: theme, skip link, links, accessibility."""

from pathlib import Path

import pytest


def test_chosen_theme_survives_a_reload(open_page):
    page = open_page("index.html", color_scheme="light")
    ground = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(ground)
    button = page.get_by_role("button", name="Theme")
    button.click()
    button.click()
    dark = page.evaluate(ground)
    assert light != dark
    page.reload()
    assert page.evaluate(ground) == dark


def test_first_tab_stop_skips_to_the_content(open_page, board):
    page = open_page(f"{board}/index.html")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the content"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"


@pytest.mark.slow
def test_every_internal_link_leads_to_a_page_or_file(open_page, site):
    page = open_page("index.html")
    waiting, seen = [page.url], set()
    while waiting:
        address = waiting.pop()
        if address in seen:
            continue
        seen.add(address)
        if not address.endswith(".html"):
            assert Path(address.removeprefix("file://").partition("?")[0]).is_file()
            continue
        page.goto(address, wait_until="commit")
        page.wait_for_selector("footer", state="attached")
        links = page.locator("a[href]").evaluate_all("found => found.map(a => a.href)")
        waiting += [link.partition("#")[0].partition("?")[0] for link in links]
    pages = {url.removeprefix("file://") for url in seen if url.endswith(".html")}
    assert pages == {str(path) for path in site.rglob("*.html")}
