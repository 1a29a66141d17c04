"""Tables for a terminal: several blocks of columns where it is too narrow for all of them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rich import box
from rich.cells import cell_len
from rich.table import Table as RichTable
from rich.text import Text

from wsss_leaderboard.tables.rows import Column, TableRow

GAP = 2  # between columns
NARROW = 15  # least room for the words of the first column, most room for one word


@dataclass(frozen=True)
class Layout:
    """Columns and rows laid out in ``room`` characters."""

    columns: Sequence[Column]
    rows: Sequence[TableRow]
    room: int

    def blocks(self) -> Iterator[RichTable]:
        for places in self._places():
            yield self._block(places, self._widths(places))

    def _block(self, places: Sequence[int], widths: Sequence[int]) -> RichTable:
        table = RichTable(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
        table.padding = (0, GAP - 1, 0, 0)
        for place, width in zip(places, widths, strict=True):
            words = self.columns[place].words
            table.add_column(
                Text(self.columns[place].name),
                justify="left" if words else "right",
                no_wrap=not words,
                overflow="fold" if words else "ellipsis",
                width=width,
            )
        for row in self.rows:
            cells = [Text(row.marked[place], row.style(place)) for place in places]
            table.add_row(*cells, style="" if row.kind == "method" else "dim")
        return table

    def _places(self) -> list[list[int]]:
        """The columns that find room beside the first one, in as many blocks as it takes."""
        blocks = [[0]]
        for place in range(1, len(self.columns)):
            wider = [*blocks[-1], place]
            needed = sum(self._least(p) for p in wider) + GAP * (len(wider) - 1)
            if len(wider) > 2 and needed > self.room:
                wider = [0, place]
                blocks.append(wider)
            blocks[-1] = wider
        return blocks

    def _widths(self, places: Sequence[int]) -> list[int]:
        """The least width of each column; what is left goes to words, from the left.

        Where even that finds no room, the first column gives way, never a number.
        """
        widths = [self._least(place) for place in places]
        spare = self.room - sum(widths) - GAP * (len(places) - 1)
        widths[0] = max(1, widths[0] + min(spare, 0))
        spare = max(spare, 0)
        for number, place in enumerate(places):
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
