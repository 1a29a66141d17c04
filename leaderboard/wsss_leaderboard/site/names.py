"""Names on pages and of their files. Submitted names are text, never markup or a path."""

import re

import xxhash

from wsss_leaderboard.tables.rows import inert

TO, MINUS = "\N{EN DASH}", "\N{MINUS SIGN}"  # between the ends of a range; before a number
SINGLE = "\N{SUPERSCRIPT ONE}"  # the mark of a single run
LONGEST = 80  # characters of a name on a page


def shown(name: str, longest: int = LONGEST) -> str:
    """One line of printable characters, cut to a maximum length."""
    line = " ".join(inert(name).split()) or "(no name)"
    return line if len(line) <= longest else line[: longest - 1] + "…"


def stem(name: str) -> str:
    """A file name of ASCII letters, digits and hyphens, unique to the name."""
    words = re.sub(r"[^a-z0-9]+", "-", name.lower())[:40].strip("-")
    return "-".join(filter(None, (words, xxhash.xxh3_64_hexdigest(name.encode())[:6])))
