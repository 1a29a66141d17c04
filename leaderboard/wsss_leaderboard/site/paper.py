"""Every figure that others published, beside what was measured here."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

from wsss_leaderboard.ranking.entries import Entry
from wsss_leaderboard.ranking.ranking import Place
from wsss_leaderboard.records.expected import expected
from wsss_leaderboard.records.published import Figure, published
from wsss_leaderboard.site.board import folder_of
from wsss_leaderboard.site.board_table import BoardRow, BoardTable, images_of
from wsss_leaderboard.site.names import stem
from wsss_leaderboard.site.pages import Pages, points


@dataclass(frozen=True, eq=False)
class Claim:
    """A published figure and, if a row of its name was measured on the same data, that row.

    ``unlike``: in what the row was measured otherwise; then the two are not compared.
    """

    figure: Figure
    line: BoardRow | None = None
    page: str = ""
    unlike: str = ""

    @property
    def entry(self) -> Entry | None:
        return self.line.entry if self.line else None

    @property
    def place(self) -> Place | None:
        return self.line.place if self.line else None

    @property
    def difference(self) -> float | None:
        """From the published figure to ours, a fraction."""
        mean = self.line.mean if self.line else None
        return None if mean is None or self.unlike else mean - self.figure.value / 100

    @property
    def verdict(self) -> str:
        """What the difference says, in words."""
        if self.unlike:
            return f"measured otherwise: {self.unlike}"
        if self.difference is None:
            return "not measured" if self.line is None else "failed"
        allowances = expected().allowances
        allowed = allowances.segmentation if self.figure.segmentor else allowances.masks
        if 100 * abs(self.difference) <= allowed:
            return f"agrees to {allowed:g} points"
        if self.place and self.place.low <= self.figure.value / 100 <= self.place.high:
            return "within our interval"
        return f"differs by {points(self.difference)}"


def write_paper(pages: Pages, boards: Sequence[Sequence[BoardTable]]) -> None:
    """Write the page, a table for each dataset of which anything is known."""
    claims = [_claim(figure, boards) for figure in published().figures]
    datasets: dict[str, list[Claim]] = {}
    for claim in claims:
        datasets.setdefault(claim.figure.dataset, []).append(claim)
    for found in datasets.values():
        found.sort(key=lambda claim: (claim.figure.segmentor, claim.figure.split, _order(claim)))
    pages.write("paper.html", "paper.html", datasets=datasets, allowances=expected().allowances)


def _order(claim: Claim) -> float:
    return -claim.figure.value


def _claim(figure: Figure, boards: Sequence[Sequence[BoardTable]]) -> Claim:
    """With the row of its name; one that was measured alike goes before others."""
    return min(
        _measured(figure, boards), key=lambda claim: bool(claim.unlike), default=Claim(figure)
    )


def _measured(figure: Figure, boards: Sequence[Sequence[BoardTable]]) -> Iterator[Claim]:
    """Claims with the rows of the figure's name, target, classes and number of images."""
    for found in chain.from_iterable(boards):
        for line in found.all if found.target == figure.segmentor else ():
            if line.entry and line.method == figure.method and _same_data(figure, line.entry):
                page = f"{folder_of(found.board)}/methods/{stem(line.method)}.html"
                unlike = published().unlike(figure, line.records[0])
                yield Claim(figure, line, page, unlike)


def _same_data(figure: Figure, entry: Entry) -> bool:
    scores = [score for run in entry.runs if (score := run.score(entry.target))]
    classes = set(scores[0].iou) - {"background"} if scores else set()
    return published().fits(figure, classes, images_of(entry.records[0], entry.target))
