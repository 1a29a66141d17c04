"""Write pages from templates; relative links let them work on any host and from a disk."""

import json
import re
from pathlib import Path, PurePosixPath
from typing import Any

import xxhash
from jinja2 import Environment, PackageLoader, StrictUndefined

from wsss_harness.contract.errors import DataError
from wsss_harness.system.files import write_text
from wsss_leaderboard.tables.table import MARKS, NOTHING, inert, percent

TO, MINUS = "\N{EN DASH}", "\N{MINUS SIGN}"  # between the ends of a range; before a number
SINGLE = "\N{SUPERSCRIPT ONE}"  # the mark of a single draw
LONGEST = 80  # characters of a name on a page


def shown(name: str, longest: int = LONGEST) -> str:
    """One line of printable characters, cut to a maximum length."""
    line = " ".join(inert(name).split()) or "(no name)"
    return line if len(line) <= longest else line[: longest - 1] + "…"


def stem(name: str) -> str:
    """A file name of ASCII letters, digits and hyphens, unique to the name."""
    words = re.sub(r"[^a-z0-9]+", "-", name.lower())[:40].strip("-")
    return "-".join(filter(None, (words, xxhash.xxh3_64_hexdigest(name.encode())[:6])))


def environment() -> Environment:
    """Templates that escape every value and refuse undefined ones."""
    templates = Environment(
        loader=PackageLoader("wsss_leaderboard.site"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    templates.filters.update(shown=shown, stem=stem, percent=percent, points=points)
    templates.filters.update(minutes=minutes, mebibytes=mebibytes)
    templates.globals.update(nothing=NOTHING, minus=MINUS, single=SINGLE, marks=MARKS)
    return templates


def points(value: float | None, digits: int = 1) -> str:
    """A difference of fractions, with its sign."""
    return NOTHING if value is None else f"{100 * value:+.{digits}f}".replace("-", MINUS)


def minutes(seconds: float | None) -> str:
    return NOTHING if seconds is None else f"{seconds / 60:,.1f}"


def mebibytes(size: int | None) -> str:
    return NOTHING if size is None else f"{size / 2**20:,.0f}"


class Pages:
    """Write pages into a folder; ``common`` holds values for all templates."""

    def __init__(self, out: Path, **common: Any) -> None:
        self.out = out
        self.environment = environment()
        self.environment.globals.update(common)
        self.written: list[str] = []

    def write(self, path: str, template: str, **content: Any) -> None:
        """Write one page; its template gets ``root``, the relative path to ``out``."""
        root = "../" * (len(PurePosixPath(path).parts) - 1)
        page = self.environment.get_template(template).render(root=root, path=path, **content)
        write_text(self.out / path, page)
        self.written.append(path)

    def write_data(self, path: str, name: str, content: Any) -> None:
        """Write data as a script: pages on a disk may load scripts, but not JSON."""
        text = json.dumps(content, separators=(",", ":"), allow_nan=False)
        write_text(self.out / path, f"wsss.receive({json.dumps(name)},{text});\n")

    def copy(self, file: Path, path: str) -> None:
        """Copy a file into the site.

        Raises:
            DataError: it is a link, which could publish a file from elsewhere.
        """
        if file.is_symlink():
            raise DataError(
                f"{file} is a link; only files are published: replace it with the file itself"
            )
        place = self.out / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(file.read_bytes())
