"""Figures of others, with their source: shown beside ours, never mixed with them."""

import tomllib
from collections import Counter
from collections.abc import Collection
from functools import cache
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from wsss_harness.errors import DataError
from wsss_leaderboard.records import Part, Score, validated

PUBLISHED = Path(__file__).with_name("published.toml")


class Data(Part):
    """What makes a record's data the same as that of a figure: its classes and its images."""

    classes: tuple[str, ...]
    splits: dict[str, int]


class Figure(Part):
    """An mIoU in percent; ``segmentor`` is empty for pseudo-masks.

    ``kind``: ``published`` by those who made the method, or ``reported`` by those who repeated it.
    """

    kind: Literal["published", "reported"] = "published"
    method: str
    sup: Literal["I.", "I.+S."]
    segmentor: str = ""
    dataset: str
    split: str
    value: Annotated[float, Field(ge=0, le=100, allow_inf_nan=False)]
    protocol: str
    source: str
    confidence: Literal["authors", "quoted", "unverified"]

    @property
    def cell(self) -> str:
        digits = 1 if self.kind == "published" else 2
        return f"{self.value:.{digits}f}" + "?" * (self.confidence == "unverified")

    @property
    def note(self) -> str:
        what = f"{self.method}, {self.segmentor}" if self.segmentor else self.method
        return f"{self.kind.capitalize()} {self.cell}, {what}: {self.protocol} ({self.source})."


class Published(Part):
    datasets: dict[str, Data]
    figures: tuple[Figure, ...]

    def beside(self, method: str, segmentor: str, score: Score, images: int) -> Figure | None:
        """What was published for a row of this name on the same classes and images."""
        return self.known(method, segmentor, score, images).get("published")

    def known(self, method: str, segmentor: str, score: Score, images: int) -> dict[str, Figure]:
        """The figures for a row of this name on the same classes and images, by their kind."""
        classes = set(score.iou) - {"background"}
        named = self.named(method, segmentor)
        return {figure.kind: figure for figure in named if self.fits(figure, classes, images)}

    def named(self, method: str, segmentor: str) -> list[Figure]:
        return [f for f in self.figures if (f.method, f.segmentor) == (method, segmentor)]

    def fits(self, figure: Figure, classes: Collection[str], images: int) -> bool:
        data = self.datasets[figure.dataset]
        return set(data.classes) == set(classes) and data.splits[figure.split] == images


@cache
def published(path: Path = PUBLISHED) -> Published:
    """The figures in a TOML file; DataError names the file and what is wrong in it."""
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(f"{path} cannot be read as TOML: {error}") from None
    found = validated(Published, content, path)
    for figure in found.figures:
        if (
            figure.split
            not in found.datasets.get(figure.dataset, Data(classes=(), splits={})).splits
        ):
            raise DataError(
                f"{path}: '{figure.method}' is on '{figure.dataset} {figure.split}', "
                "which is not under datasets; add it there"
            )
    places = Counter((f.kind, f.method, f.segmentor, f.dataset, f.split) for f in found.figures)
    for place, count in places.items():
        if count > 1:
            raise DataError(
                f"{path}: {count} figures for {', '.join(filter(None, place))}; give "
                "one of them another method name"
            )
    return found
