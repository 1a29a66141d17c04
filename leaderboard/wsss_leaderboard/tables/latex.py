"""Text that LaTeX prints as it stands, whatever a label holds and whatever fonts a paper uses."""

import re
import unicodedata

SPECIAL = {
    "\\": r"\textbackslash{}",
    "^": r"\textasciicircum{}",
    "~": r"\textasciitilde{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': r"\char34{}",  # babel makes it active
    **{c: "\\" + c for c in "{}$&#%_"},
    **{c: f"{{{c}}}" for c in "[]*`'"},  # an option or a star after \\, and ligatures
    "±": r"$\pm$",
    "\N{MULTIPLICATION SIGN}": r"$\times$",
    "→": r"$\to$",
    "≤": r"$\le$",
    "≥": r"$\ge$",
    "\N{EN DASH}": "--",
    "—": "---",
    "…": r"\dots{}",
    "†": r"\textdagger{}",
    "‡": r"\textdaggerdbl{}",
    "§": r"\S{}",
    **{c: f"$^{{{n}}}$" for n, c in enumerate("⁰¹²³⁴⁵⁶⁷⁸⁹")},
}
ACCENTS = {
    "\u0300": "`",
    "\u0301": "'",
    "\u0302": "^",
    "\u0303": "~",
    "\u0304": "=",
    "\u0306": "u",
    "\u0307": ".",
    "\u0308": '"',
    "\u030a": "r",
    "\u030b": "H",
    "\u030c": "v",
    "\u0327": "c",
}
MINUS = re.compile(r"(?<!\w)-(?=\d)")


def escape(text: str) -> str:
    """``text`` for LaTeX; a character that its usual fonts lack is named by its number."""
    return MINUS.sub("$-$", "".join(map(_character, text)))


def _character(c: str) -> str:
    if c in SPECIAL:
        return SPECIAL[c]
    if c.isascii():
        return c
    letter, *accents = list(unicodedata.normalize("NFD", c))
    if letter.isascii() and len(accents) == 1 and accents[0] in ACCENTS:
        return f"\\{ACCENTS[accents[0]]}{{{letter}}}"
    return f"{{[}}U+{ord(c):04X}{{]}}"
