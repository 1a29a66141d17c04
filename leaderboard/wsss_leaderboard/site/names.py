"""Names on pages and names of their files. What was submitted is text, never markup or a path."""

import re

import xxhash

from wsss_leaderboard.tables.rows import inert

TO, MINUS = "\N{EN DASH}", "\N{MINUS SIGN}"  # between the ends of a range; of a number
SINGLE = "\N{SUPERSCRIPT ONE}"  # the mark of a single run
LONGEST = 80  # characters of a name on a page


def shown(name: str, longest: int = LONGEST) -> str:
    """One line of printable characters, cut where it gets too long."""
    line = " ".join(inert(name).split()) or "(no name)"
    return line if len(line) <= longest else line[: longest - 1] + "…"


def stem(name: str) -> str:
    """A file name of ASCII letters and digits that no other name has."""
    words = re.sub(r"[^a-z0-9]+", "-", name.lower())[:40].strip("-")
    return "-".join(filter(None, (words, xxhash.xxh3_64_hexdigest(name.encode())[:6])))
