"""A table, and its forms: terminal, Markdown, CSV, LaTeX, HTML and JSON."""

import csv
import io
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

from rich import box
from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderableType
from rich.table import Table as RichTable
from rich.text import Text

from wsss_harness.system.files import write_text
from wsss_leaderboard.ranking.entries import Kind
from wsss_leaderboard.tables import latex

NOTHING = "-"
LONGEST = 200  # characters of a cell that are shown
MARKS: dict[Kind, str] = {"method": "", "control": "†", "bound": "‡", "published": "§"}


@dataclass(frozen=True)
class Column:
    """Words are aligned left and may wrap; numbers are aligned right and never wrap."""

    name: str
    words: bool = False


@dataclass(frozen=True)
class TableRow:
    """Cells are text; ``best`` and ``second``: the columns in which it is best or second best.

    The numbers of a ``published`` row were not measured here.
    """

    cells: tuple[str, ...]
    kind: Kind = "method"
    best: frozenset[int] = frozenset()
    second: frozenset[int] = frozenset()

    @property
    def marked(self) -> tuple[str, ...]:
        """The cells as shown; a mark on the first one says if the row is not a method."""
        first, *others = (shortened(inert(cell)) for cell in self.cells)
        return (first + MARKS[self.kind], *others)

    def style(self, place: int) -> str:
        """The style of a cell in rich's terms."""
        return "bold" if place in self.best else "underline" if place in self.second else ""


def inert(text: str) -> str:
    """The text as one line without control characters."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else " " for c in text)


def percent(value: float | None, digits: int = 1) -> str:
    """A fraction in percent."""
    return NOTHING if value is None else f"{100 * value:.{digits}f}"


def shortened(text: str) -> str:
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


GAP = 2  # between columns
NARROW = 15  # least room for the words of the first column, most room for one word


def terminal_blocks(
    columns: Sequence[Column], rows: Sequence[TableRow], room: int
) -> Iterator[RichTable]:
    """Blocks of columns that fit ``room`` characters, each with the first column.

    Where even that finds no room, the first column gives way, never a number.
    """
    marked = list(zip(*([c.name for c in columns], *(row.marked for row in rows)), strict=True))
    most = [max(map(cell_len, texts)) for texts in marked]
    least = most.copy()
    for place, texts in enumerate(marked):
        if columns[place].words:
            word = max(cell_len(word) for text in texts for word in text.split() or [""])
            least[place] = min(NARROW, word if place else most[0])
    for places in _fitting(least, room):
        widths = _widths([least[p] for p in places], [most[p] for p in places], room)
        yield _block(columns, rows, dict(zip(places, widths, strict=True)))


def _fitting(least: Sequence[int], room: int) -> list[list[int]]:
    """The places of the columns of each block."""
    blocks = [[0]]
    for place in range(1, len(least)):
        wider = [*blocks[-1], place]
        needed = sum(least[p] for p in wider) + GAP * (len(wider) - 1)
        if len(wider) > 2 and needed > room:
            blocks.append([0, place])
        else:
            blocks[-1] = wider
    return blocks


def _widths(least: Sequence[int], most: Sequence[int], room: int) -> list[int]:
    """The least width of each column; the rest goes to words, from the left."""
    widths = list(least)
    spare = room - sum(widths) - GAP * (len(widths) - 1)
    widths[0] = max(1, widths[0] + min(spare, 0))
    spare = max(spare, 0)
    for number, wide in enumerate(most):
        more = min(spare, wide - widths[number])
        widths[number] += more
        spare -= more
    return widths


def _block(
    columns: Sequence[Column], rows: Sequence[TableRow], widths: Mapping[int, int]
) -> RichTable:
    """The columns of these widths, by their place."""
    table = RichTable(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    table.padding = (0, GAP - 1, 0, 0)
    for place, width in widths.items():
        words = columns[place].words
        table.add_column(
            Text(columns[place].name),
            justify="left" if words else "right",
            no_wrap=not words,
            overflow="fold" if words else "ellipsis",
            width=width,
        )
    for row in rows:
        cells = [Text(row.marked[place], row.style(place)) for place in widths]
        table.add_row(*cells, style="" if row.kind == "method" else "dim")
    return table


PUNCTUATION = frozenset("\\|*_<>[]`~&$#")  # markup of Markdown or of formulas
MEASURED = re.compile(r"[-+]?[\d.]+( ±[\d.]+)?( \([-+][\d.]+\))?")
NUMBER = re.compile(r"[-+]?\d+(\.\d+)?(?![\d.])")


@dataclass(frozen=True)
class Table:
    """Rich can print it; ``label`` is its label in LaTeX."""

    title: str
    columns: tuple[Column, ...]
    rows: tuple[TableRow, ...]
    notes: tuple[str, ...] = ()
    label: str = ""

    def __rich_console__(
        self, console: Console, options: ConsoleOptions
    ) -> Iterator[RenderableType]:
        yield Text(inert(self.title), style="bold")
        blocks = terminal_blocks(self.columns, self.rows, options.max_width)
        for number, block in enumerate(blocks):
            if number:
                yield ""
            yield block
        yield from (Text(inert(note), style="dim") for note in self.notes)
        yield ""

    def markdown(self) -> str:
        names = [markdown(column.name) for column in self.columns]
        sides = ["---" if column.words else "---:" for column in self.columns]
        lines = [f"**{markdown(self.title)}**", "", _line(names), _line(sides)]
        for row in self.rows:
            cells = _cells(row, markdown, "**{}**", "<ins>{}</ins>")
            lines.append(_line([f"*{c}*" for c in cells] if row.kind == "published" else cells))
        lines += ["", *(f"{markdown(note)}  " for note in self.notes)]
        return "\n".join(lines).rstrip() + "\n"

    def latex(self) -> str:
        """A table for booktabs; rows other than methods are in italics."""
        sides = "".join("l" if column.words else "r" for column in self.columns)
        lines = [
            r"\begin{table}",
            r"\centering",
            rf"\caption{{{_latex(self.title)}}}",
            *([rf"\label{{{self.label}}}"] if self.label else []),
            rf"\begin{{tabular}}{{{sides}}}",
            r"\toprule",
            " & ".join(_latex(column.name) for column in self.columns) + r" \\",
            r"\midrule",
        ]
        for row in self.rows:
            cells = _cells(row, _latex, r"\textbf{{{}}}", r"\underline{{{}}}")
            if row.kind != "method":
                cells = [rf"\textit{{{cell}}}" for cell in cells]
            lines.append(" & ".join(cells) + r" \\")
        lines += [r"\bottomrule", r"\end{tabular}"]
        lines += [rf"\par\smallskip\footnotesize\raggedright {_latex(n)}" for n in self.notes]
        return "\n".join([*lines, r"\end{table}"]) + "\n"

    def html(self) -> str:
        """A ``table`` element in ASCII, whose rows have their kind as class.

        Cells of numbers have ``data-value``, their first number, to sort by.
        """
        heads = [_element("th", _html(c.name), scope="col") for c in self.columns]
        width = str(len(self.columns))
        notes = [_element("td", _html(note), colspan=width) for note in self.notes]
        parts = [
            _element("caption", _html(self.title)),
            _element("thead", _element("tr", *heads)),
            _element("tbody", *map(self._html_row, self.rows)),
            *([_element("tfoot", *(_element("tr", note) for note in notes))] if notes else []),
        ]
        return _element("table", *parts) + "\n"

    def _html_row(self, row: TableRow) -> str:
        cells = _cells(row, _html, "<strong>{}</strong>", "<u>{}</u>")
        values = [
            {"data-value": match[0]} if not column.words and (match := NUMBER.match(cell)) else {}
            for column, cell in self._under(row)
        ]
        first = _element("th", cells[0], scope="row")
        others = (_element("td", c, **v) for c, v in zip(cells[1:], values[1:], strict=True))
        return _element("tr", first, *others, **{"class": row.kind})

    def _under(self, row: TableRow) -> Iterator[tuple[Column, str]]:
        return zip(self.columns, row.cells, strict=True)

    def csv(self) -> str:
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow([*(_datum(column.name) for column in self.columns), "kind"])
        writer.writerows([*map(_datum, row.cells), row.kind] for row in self.rows)
        return text.getvalue()

    def json(self) -> dict[str, Any]:
        rows = [
            {column.name: inert(cell) for column, cell in self._under(row)} | {"kind": row.kind}
            for row in self.rows
        ]
        return {"title": inert(self.title), "rows": rows, "notes": [inert(n) for n in self.notes]}


FORMATS: Mapping[str, Callable[[Table], str]] = {
    "markdown": Table.markdown,
    "csv": Table.csv,
    "latex": Table.latex,
    "html": Table.html,
}


def _cells(row: TableRow, escaped: Callable[[str], str], best: str, second: str) -> list[str]:
    """The cells in a markup, with its formats for the best and the second best."""
    forms = {"bold": best, "underline": second, "": "{}"}
    return [forms[row.style(p)].format(escaped(cell)) for p, cell in enumerate(row.marked)]


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def markdown(text: str) -> str:
    """Text with all Markdown markup escaped."""
    return "".join("\\" + c if c in PUNCTUATION else c for c in inert(text))


def _latex(text: str) -> str:
    return latex.escape(inert(text))


def _html(text: str) -> str:
    return escape(inert(text)).encode("ascii", "xmlcharrefreplace").decode()


def _element(name: str, *content: str, **attributes: str) -> str:
    """An HTML element; content and attributes must be escaped already."""
    opening = " ".join([name, *(f'{key}="{value}"' for key, value in attributes.items())])
    separator = "" if name in ("caption", "th", "td", "tr") else "\n"
    return separator.join([f"<{opening}>", *content, f"</{name}>"])


def _datum(text: str) -> str:
    """A cell of CSV that no spreadsheet reads as a formula."""
    text = inert(text)
    safe = text[:1] not in ("=", "+", "-", "@") or text == NOTHING or MEASURED.fullmatch(text)
    return text if safe else "'" + text


def write_tables(folder: Path, tables: Sequence[tuple[str, Table]]) -> None:
    """Write each table as ``name``.md, ``name``.csv and ``name``.json."""
    for name, table in tables:
        write_text(folder / f"{name}.md", table.markdown())
        write_text(folder / f"{name}.csv", table.csv())
        content = json.dumps(table.json(), indent=1, ensure_ascii=False, allow_nan=False)
        write_text(folder / f"{name}.json", content + "\n")
