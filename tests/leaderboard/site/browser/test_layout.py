"""No page is wider than its screen, whatever fonts the reader's machine has."""

import pytest
from browsing import PAGES, page_addresses, visit

# Text spacing up to which WCAG 2.2, criterion 1.4.12, asks that nothing is lost.
SPACING = "letter-spacing: .12em !important; word-spacing: .16em !important;"
FONTS = {
    "sans-serif": "font-family: sans-serif !important;",
    "serif": "font-family: serif !important;",
    "monospace": "font-family: monospace !important;",
    "wide": f"font-family: monospace !important; {SPACING}",
}
# Visible elements beyond the right edge, except those inside a box that scrolls or clips.
TOO_WIDE = """() => {
    const clips = element => getComputedStyle(element).overflowX !== "visible";
    const clipped = element => {
        const parent = element.parentElement;
        return parent && parent !== document.body && (clips(parent) || clipped(parent));
    };
    const outside = element => element.getBoundingClientRect().right > innerWidth + 0.5;
    return [...document.body.querySelectorAll("*")]
        .filter(element => element.checkVisibility() && outside(element) && !clipped(element))
        .map(element => element.outerHTML.slice(0, 120));
}"""
OPEN_DETAILS = """number => {
    document.querySelectorAll("details")[number].open = true;
    return new Promise(requestAnimationFrame);
}"""


@pytest.mark.parametrize("pages", PAGES)
@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("font", FONTS)
def test_every_page_and_its_menus_fit_with_any_font(open_page, site, board, font, width, pages):
    page = open_page("index.html", width)
    for address in page_addresses(site, board, pages):
        visit(page, site, address)
        page.add_style_tag(content=f"* {{ {FONTS[font]} }}")
        assert_fits(page, address)
        for number in range(page.locator("details").count()):
            page.evaluate(OPEN_DETAILS, number)
            assert_fits(page, f"{address}, details {number}")


def assert_fits(page, description):
    assert not page.evaluate(TOO_WIDE), description
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), description
