"""The pages that explain: how to read the numbers, how to submit."""

from wsss_leaderboard.site.pages import Pages
from wsss_leaderboard.submissions.tiers import TIERS

CAUSES = {
    "ignored": "mask is undecided (255)",
    "missing": "mask is background, on a class that it misses completely in this image",
    "boundary": "mask would be right if an edge moved by at most the tolerance of boundary F",
    "context": "mask is an object, on background that co-occurs with it, as rails do with trains",
    "confusion": "mask is an object, on another object",
    "extension": "mask is an object, on any other background",
    "partial": "mask is background, on a class that it finds in part",
}


def write_guides(pages: Pages) -> None:
    pages.write("reading.html", "reading.html", causes=list(CAUSES.items()), tiers=TIERS)
    pages.write("submitting.html", "submitting.html")
