"""Rows and columns of a table, which every output format shares."""

from dataclasses import dataclass

from wsss_leaderboard.ranking.entries import Kind

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


def shortened(text: str) -> str:
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"
