"""Reading the pages of a site that a test has built."""

from urllib.parse import unquote, urlsplit

import html5lib


def parsed(page):
    parser = html5lib.HTMLParser(strict=True, namespaceHTMLElements=False)
    return parser.parse(page.read_text(encoding="utf-8"))


def board_of(out):
    return next(path.parent for path in out.glob("*/compare.html"))


def leads(page, link, out):
    parts = urlsplit(link)
    if parts.scheme == "data":
        return True
    target = (page.parent / unquote(parts.path)).resolve() if parts.path else page
    if not target.is_file() or out.resolve() not in target.parents:
        return False
    anchors = {node.get("id") for node in parsed(target).iter()} if parts.fragment else {None}
    return not parts.fragment or parts.fragment in anchors
