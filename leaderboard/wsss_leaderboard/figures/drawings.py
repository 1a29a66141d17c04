"""Figures of masks and scores side by side, of threshold curves, and of what refiners do."""

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wsss_harness.contract.types import BACKGROUND, IGNORE, Image, Map, Mask
from wsss_harness.stages.explanations import Explained
from wsss_leaderboard.figures import ink

DPI = 120
CELL = 2.0  # width of a picture, inches
GAP, APART = 0.05, 0.16  # between pictures, between methods
LEFT, RIGHT, TOP, BOTTOM = 0.3, 0.1, 0.62, 0.25  # margins
ENTRY, LINE = 1.3, 0.22  # of the legend
CURVES = (7.2, 4.1)  # size of the axes of curves, roughly
OFFSETS = ((0, 1), (1, 0), (-1, 0), (0, -1))  # of a label from its line
MARKS: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "fixed": ("fixed threshold", {"marker": "s", "ms": 7, "zorder": 4}),
    "held_out": (
        "chosen on held-out images",
        {"marker": "o", "ms": 11, "mfc": "white", "zorder": 3},
    ),
    "oracle": ("oracle threshold", {"marker": "*", "ms": 9, "zorder": 5}),
}


@dataclass(frozen=True)
class Example:
    """One image for ``method_figure``; ``scores`` holds each method's largest class score."""

    image_id: str
    image: Image
    truth: Mask
    masks: Mapping[str, Mask]
    scores: Mapping[str, Map]


@dataclass(frozen=True)
class ThresholdCurve:
    """mIoU, (T,) fractions, at ``thresholds``, (T,); ``marks`` go by the names in MARKS."""

    label: str
    thresholds: NDArray[np.float64]
    miou: NDArray[np.float64]
    marks: Mapping[str, float]


def method_figure(
    path: Path, examples: Sequence[Example], methods: Sequence[str], class_names: tuple[str, ...]
) -> None:
    """Draw image, truth, and each method's scores and mask, a row for each example, as PNG.

    ``class_names[k]`` is the name of mask value k, so the first one is the background's.
    The layout follows Figure 4 of the EPS paper (Lee et al., CVPR 2021).
    """
    from matplotlib.figure import Figure

    lefts = [LEFT + n * (CELL + GAP) + n // 2 * APART for n in range(2 + 2 * len(methods))]
    heights = [CELL * min(1.0, len(e.image) / e.image.shape[1]) for e in examples]
    width = lefts[-1] + CELL + RIGHT
    classes = _classes(examples)
    columns = int((width - LEFT - CELL - RIGHT) / ENTRY)
    below = BOTTOM + LINE * math.ceil(len(classes) / columns)
    top = below + sum(heights) + GAP * len(heights)
    figure = Figure(figsize=(width, top + TOP), dpi=DPI)
    _titles(figure, lefts, methods, top)
    for example, height in zip(examples, heights, strict=True):
        top -= height
        ink.words(figure, LEFT / 2, top + height / 2, example.image_id, rotation=90, **ink.SMALL)
        for left, (picture, how) in zip(lefts, _pictures(example, methods), strict=True):
            ink.picture_axes(figure, left, top, CELL, height).imshow(picture, interpolation=how)
        top -= GAP
    _legend(figure, classes, class_names, below - 2 * GAP, columns)
    _score_bar(figure, width - RIGHT - CELL, below - 2 * GAP - 0.08)
    ink.save(figure, path)


def _classes(examples: Sequence[Example]) -> list[int]:
    """The mask values that appear, without the background."""
    masks = [mask for example in examples for mask in (example.truth, *example.masks.values())]
    return sorted({int(number) for mask in masks for number in np.unique(mask)} - {BACKGROUND})


def _pictures(example: Example, methods: Sequence[str]) -> list[tuple[Image, str]]:
    """A row's pictures, each with its interpolation."""
    colours = ink.class_colours()
    pictures = [(example.image, "lanczos"), (colours[example.truth], "nearest")]
    for method in methods:
        pictures.append((ink.overlay(example.image, example.scores[method]), "lanczos"))
        pictures.append((colours[example.masks[method]], "nearest"))
    return pictures


def _titles(figure: Any, lefts: Sequence[float], methods: Sequence[str], top: float) -> None:
    titles = ["image", "truth", *["scores", "mask"] * len(methods)]
    for left, title in zip(lefts, titles, strict=True):
        ink.words(figure, left + CELL / 2, top + 0.14, title, color=ink.QUIET, size=10)
    for left, method in zip(lefts[2::2], methods, strict=True):
        ink.words(figure, left + CELL + GAP / 2, top + 0.4, method, **ink.BOLD)


def _legend(
    figure: Any, classes: list[int], names: Sequence[str], top: float, columns: int
) -> None:
    from matplotlib.patches import Patch

    handles = [Patch(color=ink.class_colours()[number] / 255) for number in classes]
    labels = [names[number] if number != IGNORE else "ignored" for number in classes]
    corner = (LEFT, top) / figure.get_size_inches()
    style = {"loc": "upper left", "borderaxespad": 0, "borderpad": 0, "ncols": columns}
    ink.legend(figure, handles, labels, bbox_to_anchor=corner, **style)


def _score_bar(figure: Any, left: float, y: float) -> None:
    ramp = np.linspace(0, 1, 256, dtype=np.float32)[None]
    picture = ink.overlay(np.full((1, 256, 3), 128, np.uint8), ramp)
    ink.picture_axes(figure, left + 0.6, y - 0.05, CELL - 0.8, 0.1).imshow(picture, aspect="auto")
    for offset, words in ((0.25, "score 0"), (CELL - 0.1, "1")):
        ink.words(figure, left + offset, y, words, size=9, color=ink.QUIET)


def curve_figure(path: Path, curves: Sequence[ThresholdCurve]) -> None:
    """Draw mIoU in percent against the threshold, a line for each curve, as PNG."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 5), dpi=DPI, layout="constrained")
    top = 115 * max(0.01, *(curve.miou.max() for curve in curves))
    axes = figure.add_subplot(xlim=(0, 1), ylim=(0, top))
    axes.set(xlabel="threshold on the scores", ylabel="mIoU of the masks, %")
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(color="#e8e8e8")
    for curve, spot, colour in zip(
        curves, _spots(curves, top), itertools.cycle(ink.LINES), strict=False
    ):
        axes.plot(curve.thresholds, 100 * curve.miou, color=colour, linewidth=2)
        for name, threshold in curve.marks.items():
            y = 100 * np.interp(threshold, curve.thresholds, curve.miou)
            axes.plot(threshold, y, color=colour, **MARKS[name][1])
        ink.text(axes, *spot, curve.label, color=colour, **ink.BOLD)
    _mark_legend(figure, [name for name in MARKS if any(name in c.marks for c in curves)])
    ink.save(figure, path)


def _mark_legend(figure: Any, names: Sequence[str]) -> None:
    from matplotlib.lines import Line2D

    handles = [Line2D([], [], color=ink.QUIET, ls="", **MARKS[name][1]) for name in names]
    labels = [MARKS[name][0] for name in names]
    ink.legend(figure, handles, labels, loc="outside upper right", ncols=3)


def _spots(curves: Sequence[ThresholdCurve], top: float) -> list[tuple[float, float]]:
    """Places of labels: at the upper half of their line, far from other lines and labels."""
    unit = np.array(CURVES) / (1, top)
    lines = [np.stack([c.thresholds, 100 * c.miou], 1) * unit for c in curves]
    taken = np.concatenate(lines)
    spots: list[tuple[float, float]] = []
    for curve, line in zip(curves, lines, strict=True):
        half = np.array([0.05 * len(ink.plain(curve.label)) + 0.05, 0.1])  # of the label's box
        upper = line[line[:, 1] >= line[:, 1].max() / 2]
        near = np.concatenate([upper + offset for offset in np.multiply(OFFSETS, half + 0.12)])
        near = near[((near >= half) & (near <= CURVES - half)).all(1)]
        beyond = np.maximum(np.abs(near[:, None] - taken) - half, 0)
        spot = near[np.hypot(beyond[..., 0], beyond[..., 1]).min(1).argmax()]
        taken = np.concatenate([taken, spot + half * np.linspace((-1, 0), (1, 0), 20)])
        spots.append(tuple((spot / unit).tolist()))
    return spots


@dataclass(frozen=True)
class RefinedExample:
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


def refiner_figure(path: Path, title: str, examples: Sequence[RefinedExample]) -> None:
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
