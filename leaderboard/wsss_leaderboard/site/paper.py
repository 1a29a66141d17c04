"""The page that sets published figures next to what was measured here."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

from wsss_leaderboard.ranking.entries import Entry
from wsss_leaderboard.ranking.ranking import Place
from wsss_leaderboard.records.published import Figure, expected, published
from wsss_leaderboard.site.board import folder_of
from wsss_leaderboard.site.board_table import BoardRow, BoardTable, images_of
from wsss_leaderboard.site.pages import Pages, points, stem


@dataclass(frozen=True, eq=False)
class Claim:
    """A published figure and, if one was measured on the same data, the row of that name.

    ``unlike``: how the row was measured differently; if not empty, the two are not compared.
    """

    figure: Figure
    row: BoardRow | None = None
    page: str = ""
    unlike: str = ""

    @property
    def entry(self) -> Entry | None:
        return self.row.entry if self.row else None

    @property
    def place(self) -> Place | None:
        return self.row.place if self.row else None

    @property
    def difference(self) -> float | None:
        """Our mean minus the published figure, a fraction; None if the two are not compared."""
        mean = self.row.mean if self.row else None
        return None if mean is None or self.unlike else mean - self.figure.value / 100

    @property
    def verdict(self) -> str:
        """What the difference means, in words."""
        if self.unlike:
            return f"measured otherwise: {self.unlike}"
        if self.difference is None:
            return "not measured" if self.row is None else "failed"
        allowances = expected().allowances
        allowed = allowances.segmentation if self.figure.segmentor else allowances.masks
        if 100 * abs(self.difference) <= allowed:
            return f"agrees to {allowed:g} points"
        if self.place and self.place.low <= self.figure.value / 100 <= self.place.high:
            return "within our interval"
        return f"differs by {points(self.difference)}"


def write_paper(pages: Pages, boards: Sequence[Sequence[BoardTable]]) -> None:
    claims = [_claim(figure, boards) for figure in published().figures]
    datasets: dict[str, list[Claim]] = {}
    for claim in claims:
        datasets.setdefault(claim.figure.dataset, []).append(claim)
    for dataset_claims in datasets.values():
        dataset_claims.sort(key=lambda c: (c.figure.segmentor, c.figure.split, -c.figure.value))
    pages.write("paper.html", "paper.html", datasets=datasets, allowances=expected().allowances)


def _claim(figure: Figure, boards: Sequence[Sequence[BoardTable]]) -> Claim:
    """A figure with the row of its name, preferably one measured in the same way."""
    return min(
        _measured(figure, boards), key=lambda claim: bool(claim.unlike), default=Claim(figure)
    )


def _measured(figure: Figure, boards: Sequence[Sequence[BoardTable]]) -> Iterator[Claim]:
    """Claims with rows that match the figure's name, target, classes and number of images."""
    for table in chain.from_iterable(boards):
        for row in table.rows if table.target == figure.segmentor else ():
            if row.entry and row.method == figure.method and _same_data(figure, row.entry):
                page = f"{folder_of(table.board)}/methods/{stem(row.method)}.html"
                unlike = published().unlike(figure, row.records[0])
                yield Claim(figure, row, page, unlike)


def _same_data(figure: Figure, entry: Entry) -> bool:
    images = images_of(entry.records[0], entry.target)
    scores = filter(None, (run.score(entry.target) for run in entry.runs))
    return any(published().fits(figure, score.iou, images) for score in scores)
