"""Opening every type of page in a browser, and reading a board that it shows."""

import sites
from slow import slow_but

from wsss_leaderboard.site.pages import stem

# Elements that scripts add last, by page.
LAST_ELEMENTS = {"pictures.html": "#album [data-row]", "compare.html?": "#settings tbody"}


PAGES = slow_but("board", cases=["board", "others"])


def page_addresses(site, board, pages):
    """Addresses below the folder of the site: of the board, or one page of each other type."""
    if pages == "board":
        return [f"{board}/index.html"]
    addresses = [path.name for path in site.glob("*.html")]
    addresses += [f"{board}/{path.name}" for path in (site / board).glob("[!i]*.html")]
    addresses += [f"{board}/methods/{stem(name)}.html" for name in ("EPS", sites.FAILED)]
    return [*addresses, f"{board}/compare.html?a={stem('CAM')}&b={stem('EPS')}"]


def visit(page, site, address):
    """Open an address below the folder of the site; return once its scripts have finished."""
    page.goto(f"file://{site / address}")
    for part, selector in LAST_ELEMENTS.items():
        if part in address:
            page.locator(selector).first.wait_for()


def method_names(page, body="method"):
    """Names in the visible rows of one body of the table, in their order."""
    rows = page.locator(f"#board tbody.{body} tr:not(.head):not(.seedrow):visible")
    return rows.locator("th").evaluate_all("cells => cells.map(c => c.textContent.trim())")


def column_texts(page, key):
    """Texts of one column in the rows that are not hidden."""
    return page.evaluate(
        """key => {
            const at = wsss.place(key);
            return wsss.rows.filter(o => !o.row.hidden).map(o => o.row.cells[at].textContent);
        }""",
        key,
    )
