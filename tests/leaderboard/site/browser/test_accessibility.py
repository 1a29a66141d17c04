"""Accessibility of every type of page by axe: no serious violation."""

import pytest
from browsing import PAGES, page_addresses, visit

COLOURS = {"runOnly": ["color-contrast"]}
REACH = {"runOnly": ["scrollable-region-focusable", "target-size"]}
# Viewport width, theme, and the rules to check, all if empty.
CASES = [(1400, "light", {}), (1400, "dark", COLOURS), (390, "dark", REACH)]


@pytest.mark.parametrize("pages", PAGES)
@pytest.mark.parametrize(("width", "theme", "rules"), CASES)
def test_every_page_is_accessible(open_page, site, board, width, theme, rules, pages):
    page = open_page("index.html", width, color_scheme=theme)
    for address in page_addresses(site, board, pages):
        visit(page, site, address)
        assert not violations(page, rules), address


def violations(page, rules):
    from axe_playwright_python.sync_playwright import Axe

    response = Axe().run(page, options={"preload": False, **rules}).response
    return [
        f"{rule['id']}: {rule['nodes'][0]['html']} {rule['nodes'][0]['failureSummary']}"
        for rule in response["violations"]
        if rule["impact"] in ("serious", "critical")
    ]
