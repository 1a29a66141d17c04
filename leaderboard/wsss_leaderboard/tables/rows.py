"""Rows and columns of a table: what every form of it shares."""

from dataclasses import dataclass

from wsss_leaderboard.ranking.entries import Kind

NOTHING = "-"
LONGEST = 200  # characters of a cell that people are shown
MARKS: dict[Kind, str] = {"method": "", "control": "†", "bound": "‡", "published": "§"}


@dataclass(frozen=True)
class Column:
    """Words stand to the left and may wrap; numbers stand to the right and never do."""

    name: str
    words: bool = False


@dataclass(frozen=True)
class TableRow:
    """Cells are text; ``best`` and ``second`` are the places of those that are so in their column.

    A ``published`` row was not measured here: its numbers are others'.
    """

    cells: tuple[str, ...]
    kind: Kind = "method"
    best: frozenset[int] = frozenset()
    second: frozenset[int] = frozenset()

    @property
    def marked(self) -> tuple[str, ...]:
        """The cells as people read them: the first one tells methods from other rows."""
        first, *others = (shortened(inert(cell)) for cell in self.cells)
        return (first + MARKS[self.kind], *others)

    def style(self, place: int) -> str:
        """Of a cell, as rich calls it."""
        return "bold" if place in self.best else "underline" if place in self.second else ""


def inert(text: str) -> str:
    """One line without control characters, whatever a label holds."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else " " for c in text)


def shortened(text: str) -> str:
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"
