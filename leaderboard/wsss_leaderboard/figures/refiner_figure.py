"""Pictures of how a refiner decides: scores before, its explanation, scores after."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wsss_harness.contract.types import Image, Map
from wsss_harness.stages.explanations import Explained
from wsss_leaderboard.figures import ink
from wsss_leaderboard.figures.curves import BOTTOM, CELL, DPI, GAP, LEFT, RIGHT, TOP


@dataclass(frozen=True)
class Refined:
    """One image; ``before`` and ``after`` hold the largest class score."""

    image_id: str
    image: Image
    before: Map
    explained: Sequence[Explained]
    after: Map

    @property
    def pictures(self) -> list[tuple[str, Image]]:
        """The pictures from left to right, each with its title."""
        maps = [("scores before", self.before)]
        maps += [(explained.name, explained.map) for explained in self.explained]
        maps += [("scores after", self.after)]
        return [("image", self.image), *((name, ink.overlay(self.image, m)) for name, m in maps)]

    @property
    def places(self) -> list[tuple[int, int]]:
        return [explained.place for explained in self.explained if explained.place is not None]


def refiner_figure(path: Path, title: str, examples: Sequence[Refined]) -> None:
    """Draw a row for each example as PNG; explained pixels are marked in every picture."""
    from matplotlib.figure import Figure

    names = [name for name, _ in examples[0].pictures]
    heights = [CELL * min(1.0, len(e.image) / e.image.shape[1]) for e in examples]
    lefts = [LEFT + n * (CELL + GAP) for n in range(len(names))]
    width, top = lefts[-1] + CELL + RIGHT, BOTTOM + sum(heights) + GAP * len(heights)
    figure = Figure(figsize=(width, top + TOP), dpi=DPI)
    ink.words(figure, width / 2, top + 0.42, title, **ink.BOLD)
    for left, name in zip(lefts, names, strict=True):
        ink.words(figure, left + CELL / 2, top + 0.14, name, color=ink.QUIET, size=9)
    for example, height in zip(examples, heights, strict=True):
        top -= height
        ink.words(figure, LEFT / 2, top + height / 2, example.image_id, rotation=90, **ink.SMALL)
        map_names = {explained.name for explained in example.explained}
        for left, (name, picture) in zip(lefts, example.pictures, strict=True):
            axes = ink.picture_axes(figure, left, top, CELL, height)
            axes.imshow(picture, interpolation="nearest" if name in map_names else "lanczos")
            _mark(axes, example.places)
        top -= GAP
    ink.save(figure, path)


def _mark(axes: Any, places: Sequence[tuple[int, int]]) -> None:
    for row, column in places:
        for style in ({"mew": 3.5, "color": "black"}, {"mew": 1.5, "color": "white"}):
            axes.plot(column, row, marker="+", ms=9, **style)
