"""Refuse submitted folders, names and texts that could harm or mislead a reader.

A folder may hold regular files of known names and limited sizes. Only printable characters pass: no
control characters, no marks that change the direction of text, none of zero width. Pages and tables
escape markup; names may not contain it in the first place.
"""

import math
import os
import re
import stat
import unicodedata
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

from wsss_harness.contract.errors import DataError
from wsss_harness.packs.manifest import MANIFEST as PACK
from wsss_leaderboard.records.record import Record
from wsss_leaderboard.submissions.signatures import SUFFIX

NAME, KEY, TEXT = 100, 200, 2000  # the most characters of each
DEEP = 40  # levels of JSON
SHOWN = 30  # characters of a refused text that its error quotes
ALIKE = {"LATIN", "GREEK", "CYRILLIC"}  # alphabets with letters that look alike
MARKUP = ("<", ">", "@", "://")  # of pages; mentions and links in a comment


def refuse_hostile(content: Any, owner: str) -> None:
    """Check all texts and numbers in the JSON content of ``owner``.

    Raises:
        DataError: A text is too long or has unprintable characters, a number is not finite, or
            the content is nested too deeply. Names the field.
    """
    waiting: list[tuple[str, Any, int]] = [("", content, 0)]
    while waiting:  # not recursive: deep nesting would exhaust the stack
        place, value, depth = waiting.pop()
        field = f"{owner}: field '{place[-KEY:]}'"
        if depth > DEEP:
            raise DataError(f"{field} is nested more than {DEEP} levels deep; it is refused")
        if isinstance(value, str):
            refuse_text(value, field, TEXT)
        elif isinstance(value, float) and not math.isfinite(value):
            raise DataError(f"{field} is {value}; expected a finite number or null")
        else:
            waiting += [(f"{place}.{name}".strip("."), v, depth + 1) for name, v in _inner(value)]
            for name in value if isinstance(value, dict) else ():
                refuse_text(name, f"{owner}: a key of '{place[-KEY:]}'", KEY)


def _inner(value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        yield from ((ascii(key)[1:-1][:KEY], inner) for key, inner in value.items())
    elif isinstance(value, list):
        yield from ((str(number), inner) for number, inner in enumerate(value))


def refuse_text(text: str, field: str, longest: int) -> None:
    """Raise DataError, which quotes the text escaped, unless it is printable and short enough."""
    if len(text) > longest:
        raise DataError(f"{field} has {len(text)} characters; expected at most {longest}")
    for character in text:
        if not character.isprintable():
            name = unicodedata.name(character, "a control character")
            raise DataError(
                f"{field} holds U+{ord(character):04X} ({name}) in {text[:SHOWN]!a}; only "
                "printable characters are accepted"
            )


def refuse_names(record: Record, owner: str) -> None:
    """Raise DataError if a name that tables and pages show is not plain; it names the field."""
    for field, name in shown(record):
        refuse_name(name, f"{owner}: {field}")


def refuse_name(name: str, field: str) -> None:
    """Raise DataError unless the name is plain: short, normalised (NFKC) and without markup.

    A word may not mix alphabets whose letters look alike.
    """
    refuse_text(name, field, NAME)
    if not name or name != " ".join(unicodedata.normalize("NFKC", name).split()):
        raise DataError(
            f"{field} is {name[:SHOWN]!a}; expected a plain name, without spaces at its ends, two "
            "in a row, or characters that look like others"
        )
    for word in re.findall(r"[^\W\d_]+", name):
        scripts = {unicodedata.name(letter, "").partition(" ")[0] for letter in word}
        if len(scripts & ALIKE) > 1:
            raise DataError(f"{field}, {name[:SHOWN]!a}, mixes alphabets that look alike in a word")
    if marks := [mark for mark in MARKUP if mark in name]:
        raise DataError(f"{field}, {name[:SHOWN]!a}, holds {marks[0]!r}; remove it")


def shown(record: Record) -> Iterator[tuple[str, str]]:
    """The names in a record that tables and pages show, each with its field."""
    yield from (("suite", record.suite), ("dataset", record.dataset), ("method", record.method))
    yield from (("a segmentor", part.segmentor) for part in record.segmentations)
    yield from (("initial weights", weights.name) for weights in record.supervision.weights)
    yield from (("initial weights", weights.trained_on) for weights in record.supervision.weights)
    if record.masks:
        yield "rule", record.masks.rule
        yield from (("a class", name) for name in (*record.classes, *record.masks.score.iou))


KB, MB = 2**10, 2**20
MAX_DEPTH = 14  # folders: packs/STEM/PACK/masks, and those in ids of images
STEM = r"\w[\w-]{0,199}"
MAX_BYTES = {  # by pattern of the path
    rf"submission\.json({re.escape(SUFFIX)})?": 4 * MB,
    r"README\.md": 64 * KB,
    r"suite\.json": MB,
    rf"records/{STEM}\.json": MB,
    rf"counts/{STEM}\.npz": 128 * MB,
    rf"logs/{STEM}\.txt": MB,
    rf"packs/{STEM}/{STEM}/{re.escape(PACK)}": 8 * MB,
    rf"packs/{STEM}/{STEM}/masks/([^/]+/){{0,10}}[^/]{{1,200}}\.png": 32 * MB,
}
UNPACKED = 128 * MB  # the most that counts may unpack to


def files(folder: Path) -> dict[str, int]:
    """The size of each file in bytes, by its path in the folder, with slashes.

    Raises:
        DataError: A file is not a regular file, has an unexpected name, or is too large.
    """
    if not folder.is_dir():
        raise DataError(f"{folder} is not a folder")
    sizes = dict(_walk(folder, ""))
    for name, size in sizes.items():
        limits = (limit for form, limit in MAX_BYTES.items() if re.fullmatch(form, name))
        limit = next(limits, None)
        if limit is None or not name.isprintable():
            raise DataError(f"{folder}: {name!a} does not belong to a submission; remove it")
        if size > limit:
            raise DataError(f"{folder}: {name!a} has {size} bytes; at most {limit} are accepted")
    return sizes


def _walk(folder: Path, above: str) -> Iterator[tuple[str, int]]:
    with os.scandir(folder) as entries:
        for entry in sorted(entries, key=lambda item: item.name):
            name, status = above + entry.name, entry.stat(follow_symlinks=False)
            if stat.S_ISDIR(status.st_mode) and name.count("/") < MAX_DEPTH:
                yield from _walk(Path(entry.path), f"{name}/")
            elif stat.S_ISREG(status.st_mode):
                yield name, status.st_size
            else:
                raise DataError(
                    f"{folder}: {entry.name!a} is neither a regular file nor a folder (for example "
                    "a link), or it is nested too deeply; remove it"
                )


def refuse_others(folder: Path, present: Collection[str], expected: Collection[str]) -> None:
    """Raise DataError unless the present files are exactly the expected ones."""
    for name in sorted({*present} ^ {*expected}):
        problem = "is missing" if name in expected else "is not listed in it; remove it"
        raise DataError(f"{folder}: {name!a} {problem}")
