"""A table: the same content in the terminal, in Markdown, as CSV and as JSON."""

import csv
import io
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from rich import box
from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderableType
from rich.table import Table as RichTable
from rich.text import Text

from wsss_harness.files import write_text

NOTHING = "-"
GAP = 2  # between columns in a terminal
NARROW = 15  # least room for the words of the first column, most room for one word

Kind = Literal["method", "control", "bound"]
MARKS: dict[Kind, str] = {"method": "", "control": "†", "bound": "‡"}
PUNCTUATION = frozenset(
    "\\|*_<>[]`~&$#"
)  # what Markdown or a renderer of formulas takes for markup


@dataclass(frozen=True)
class Column:
    """Words stand to the left and may wrap; numbers stand to the right and never do."""

    name: str
    words: bool = False


@dataclass(frozen=True)
class Row:
    """Cells are text; ``best`` are the places of those that are best in their column."""

    cells: tuple[str, ...]
    kind: Kind = "method"
    best: frozenset[int] = frozenset()

    @property
    def marked(self) -> tuple[str, ...]:
        """The cells as people read them: the first one tells methods from other rows."""
        return (inert(self.cells[0]) + MARKS[self.kind], *map(inert, self.cells[1:]))


@dataclass(frozen=True)
class Table:
    """Printed by rich; a terminal too narrow for all columns gets them in several blocks."""

    title: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    notes: tuple[str, ...] = ()

    def __rich_console__(
        self, console: Console, options: ConsoleOptions
    ) -> Iterator[RenderableType]:
        yield Text(inert(self.title), style="bold")
        for number, block in enumerate(self._blocks(options.max_width)):
            if number:
                yield ""
            yield self._block(block, self._widths(block, options.max_width))
        yield from (Text(inert(note), style="dim") for note in self.notes)
        yield ""

    def _block(self, block: Sequence[int], widths: Sequence[int]) -> RichTable:
        table = RichTable(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
        table.padding = (0, GAP - 1, 0, 0)
        for place, width in zip(block, widths, strict=True):
            words = self.columns[place].words
            table.add_column(
                Text(self.columns[place].name),
                justify="left" if words else "right",
                no_wrap=not words,
                overflow="fold" if words else "ellipsis",
                width=width,
            )
        for row in self.rows:
            cells = [
                Text(row.marked[place], "bold" if place in row.best else "") for place in block
            ]
            table.add_row(*cells, style="" if row.kind == "method" else "dim")
        return table

    def _blocks(self, room: int) -> list[list[int]]:
        """The columns that find room beside the first one, in as many blocks as it takes."""
        blocks = [[0]]
        for place in range(1, len(self.columns)):
            wider = [*blocks[-1], place]
            needed = sum(self._least(p) for p in wider) + GAP * (len(wider) - 1)
            if len(wider) > 2 and needed > room:
                wider = [0, place]
                blocks.append(wider)
            blocks[-1] = wider
        return blocks

    def _widths(self, block: Sequence[int], room: int) -> list[int]:
        """The least width of each column; what is left goes to words, from the left.

        Where even that finds no room, the first column gives way, never a number.
        """
        widths = [self._least(place) for place in block]
        spare = room - sum(widths) - GAP * (len(block) - 1)
        widths[0] = max(1, widths[0] + min(spare, 0))
        spare = max(spare, 0)
        for number, place in enumerate(block):
            more = min(spare, self._most(place) - widths[number])
            widths[number] += more
            spare -= more
        return widths

    def _texts(self, place: int) -> list[str]:
        return [self.columns[place].name, *(row.marked[place] for row in self.rows)]

    def _most(self, place: int) -> int:
        return max(cell_len(text) for text in self._texts(place))

    def _least(self, place: int) -> int:
        if not self.columns[place].words:
            return self._most(place)
        word = max(cell_len(word) for text in self._texts(place) for word in text.split() or [""])
        return min(NARROW, word if place else self._most(place))

    def markdown(self) -> str:
        names = [_escape(column.name) for column in self.columns]
        sides = ["---" if column.words else "---:" for column in self.columns]
        lines = [f"**{_escape(self.title)}**", "", _line(names), _line(sides)]
        for row in self.rows:
            cells = [_escape(cell) for cell in row.marked]
            lines.append(_line([f"**{c}**" if p in row.best else c for p, c in enumerate(cells)]))
        lines += ["", *(f"{_escape(note)}  " for note in self.notes)]
        return "\n".join(lines).rstrip() + "\n"

    def csv(self) -> str:
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow([*(column.name for column in self.columns), "kind"])
        writer.writerows([*map(inert, row.cells), row.kind] for row in self.rows)
        return text.getvalue()

    def json(self) -> dict[str, Any]:
        names = [column.name for column in self.columns]
        rows = [dict(zip(names, row.cells, strict=True)) | {"kind": row.kind} for row in self.rows]
        return {"title": self.title, "rows": rows, "notes": list(self.notes)}


def inert(text: str) -> str:
    """One line without control characters, whatever a label holds."""
    return "".join(c if c.isprintable() else " " for c in text)


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _escape(text: str) -> str:
    return "".join("\\" + c if c in PUNCTUATION else c for c in inert(text))


def write_tables(folder: Path, tables: Sequence[tuple[str, Table]]) -> None:
    """Write each table as ``name``.md, ``name``.csv and ``name``.json."""
    for name, table in tables:
        write_text(folder / f"{name}.md", table.markdown())
        write_text(folder / f"{name}.csv", table.csv())
        content = json.dumps(table.json(), indent=1, ensure_ascii=False, allow_nan=False)
        write_text(folder / f"{name}.json", content + "\n")
