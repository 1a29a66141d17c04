"""What strangers wrote: names and texts that could mislead a reader are refused before one sees it.

Markup is harmless where it is escaped, and pages and tables do that; in a name it is refused all
the same. Only what is printable is let through: no control characters, no marks that turn the
direction of text, none without width.
"""

import math
import re
import unicodedata
from collections.abc import Iterator
from typing import Any

from wsss_harness.contract.errors import DataError
from wsss_leaderboard.records.record import Record

NAME, KEY, TEXT = 100, 200, 2000  # characters
DEEP = 40  # levels of JSON
SHOWN = 30  # characters of what is refused
ALIKE = {"LATIN", "GREEK", "CYRILLIC"}  # alphabets that share the looks of letters
MARKUP = ("<", ">", "@", "://")  # of pages, and what makes a comment call people or link away


def refuse_hostile(content: Any, owner: str) -> None:
    """Look at all that JSON of ``owner`` holds.

    Raises:
        DataError: a text is too long or has characters that do not print, a number is not finite,
            or it is nested too deep; names the field.
    """
    waiting: list[tuple[str, Any, int]] = [("", content, 0)]
    while waiting:  # no recursion, which depth could exhaust
        place, value, depth = waiting.pop()
        what = f"{owner}: field '{place[-KEY:]}'"
        if depth > DEEP:
            raise DataError(f"{what} is nested more than {DEEP} levels deep; it is refused")
        if isinstance(value, str):
            refuse_text(value, what, TEXT)
        elif isinstance(value, float) and not math.isfinite(value):
            raise DataError(f"{what} is {value}; expected a finite number or null")
        else:
            waiting += [(f"{place}.{name}".strip("."), v, depth + 1) for name, v in _inner(value)]
            for name in value if isinstance(value, dict) else ():
                refuse_text(name, f"{owner}: a key of '{place[-KEY:]}'", KEY)


def _inner(value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        yield from ((ascii(key)[1:-1][:KEY], inner) for key, inner in value.items())
    elif isinstance(value, list):
        yield from ((str(number), inner) for number, inner in enumerate(value))


def refuse_text(text: str, what: str, most: int) -> None:
    """DataError, with what is refused made harmless, unless it is short enough and prints."""
    if len(text) > most:
        raise DataError(f"{what} has {len(text)} characters; expected at most {most}")
    for character in text:
        if not character.isprintable():
            called = unicodedata.name(character, "a control character")
            raise DataError(
                f"{what} holds U+{ord(character):04X} ({called}) in {text[:SHOWN]!a}; only "
                "characters that print are accepted"
            )


def refuse_names(record: Record, owner: str) -> None:
    """DataError if a name that tables and pages show is no plain name; it says which."""
    for place, name in shown(record):
        refuse_name(name, f"{owner}: {place}")


def refuse_name(name: str, what: str) -> None:
    """DataError unless it is a plain name, without markup.

    Of lookalikes, other forms of a letter and mixed alphabets in a word are refused.
    """
    refuse_text(name, what, NAME)
    if not name or name != " ".join(unicodedata.normalize("NFKC", name).split()):
        raise DataError(
            f"{what} is {name[:SHOWN]!a}; expected a plain name, without spaces at its ends, two "
            "in a row, or characters that look like others"
        )
    for word in re.findall(r"[^\W\d_]+", name):
        scripts = {unicodedata.name(letter, "").partition(" ")[0] for letter in word}
        if len(scripts & ALIKE) > 1:
            raise DataError(f"{what}, {name[:SHOWN]!a}, mixes alphabets that look alike in a word")
    if found := [mark for mark in MARKUP if mark in name]:
        raise DataError(f"{what}, {name[:SHOWN]!a}, holds {found[0]!r}; leave it out")


def shown(record: Record) -> Iterator[tuple[str, str]]:
    """The names in a record that tables and pages show, each with the field where it stands."""
    yield from (("suite", record.suite), ("dataset", record.dataset), ("method", record.method))
    yield from (("a segmentor", one.segmentor) for one in record.segmentations)
    yield from (("initial weights", one.name) for one in record.supervision.weights)
    yield from (("initial weights", one.trained_on) for one in record.supervision.weights)
    if record.masks:
        yield "rule", record.masks.rule
        yield from (("a class", name) for name in (*record.classes, *record.masks.score.iou))
