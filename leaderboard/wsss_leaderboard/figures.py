"""Pictures of methods side by side, of threshold curves, and of a dataset."""

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image as PillowImage

from wsss_harness.files import atomic
from wsss_harness.types import BACKGROUND, IGNORE, Image, Map, Mask
from wsss_leaderboard import ink

DPI = 120
CELL = 2.0  # width of a picture, inches
GAP, APART = 0.05, 0.16  # between pictures, between methods
LEFT, RIGHT, TOP, BOTTOM = 0.3, 0.1, 0.62, 0.25  # margins
ENTRY, LINE = 1.3, 0.22  # of the legend
CURVES = (7.2, 4.4)  # size of the axes of curves, roughly
OFFSETS = ((0, 1), (1, 0), (-1, 0), (0, -1))  # of a label from its line
SMALL: Mapping[str, Any] = {"size": 7, "color": ink.QUIET}
SPACE = 6  # between the cells of a contact sheet, pixels
MARKS: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "fixed": ("fixed", {"marker": "s", "ms": 7, "zorder": 4}),
    "held_out": ("held-out images", {"marker": "o", "ms": 11, "mfc": "white", "zorder": 3}),
    "oracle": ("oracle", {"marker": "*", "ms": 9, "zorder": 5}),
}

Cell = tuple[Image, Mask, Map]  # image, truth, saliency


@dataclass(frozen=True)
class Example:
    """One image for ``method_figure``; ``scores`` holds each method's largest class score."""

    image_id: str
    image: Image
    truth: Mask
    masks: Mapping[str, Mask]
    scores: Mapping[str, Map]


@dataclass(frozen=True)
class Curve:
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
    found = _found(examples)
    columns = int((width - LEFT - CELL - RIGHT) / ENTRY)
    below = BOTTOM + LINE * math.ceil(len(found) / columns)
    top = below + sum(heights) + GAP * len(heights)
    figure = Figure(figsize=(width, top + TOP), dpi=DPI)
    _titles(figure, lefts, methods, top)
    for example, height in zip(examples, heights, strict=True):
        top -= height
        _words(figure, LEFT / 2, top + height / 2, example.image_id, rotation=90, **SMALL)
        for left, (picture, how) in zip(lefts, _pictures(example, methods), strict=True):
            _axes(figure, left, top, CELL, height).imshow(picture, interpolation=how)
        top -= GAP
    _class_legend(figure, found, class_names, below - 2 * GAP, columns)
    _score_bar(figure, width - RIGHT - CELL, below - 2 * GAP - LINE / 2)
    ink.save(figure, path)


def overlay(image: Image, scores: Map) -> Image:
    """Scores as heat over the grey image: the higher, the brighter and the more opaque."""
    import matplotlib

    heat = matplotlib.colormaps["inferno"](0.25 + 0.75 * scores)[..., :3]
    opacity = 0.85 * scores[..., None] ** 0.75
    mixed = (1 - opacity) * image.mean(2, keepdims=True) / 255 + opacity * heat
    result: Image = np.round(255 * mixed).astype(np.uint8)
    return result


def _found(examples: Sequence[Example]) -> list[int]:
    """The mask values that appear, the background apart."""
    masks = [mask for example in examples for mask in (example.truth, *example.masks.values())]
    return sorted({int(number) for mask in masks for number in np.unique(mask)} - {BACKGROUND})


def _pictures(example: Example, methods: Sequence[str]) -> list[tuple[Image, str]]:
    """A row's pictures, and how each is enlarged."""
    colours = ink.class_colours()
    pictures = [(example.image, "lanczos"), (colours[example.truth], "nearest")]
    for method in methods:
        pictures.append((overlay(example.image, example.scores[method]), "lanczos"))
        pictures.append((colours[example.masks[method]], "nearest"))
    return pictures


def _titles(figure: Any, lefts: Sequence[float], methods: Sequence[str], top: float) -> None:
    titles = ["image", "truth", *["scores", "mask"] * len(methods)]
    for left, title in zip(lefts, titles, strict=True):
        _words(figure, left + CELL / 2, top + 0.14, title, color=ink.QUIET, size=10)
    for left, method in zip(lefts[2::2], methods, strict=True):
        _words(figure, left + CELL + GAP / 2, top + 0.4, method, size=13, weight="bold")


def _class_legend(
    figure: Any, found: Sequence[int], names: tuple[str, ...], top: float, columns: int
) -> None:
    from matplotlib.patches import Patch

    handles = [Patch(color=ink.class_colours()[number] / 255) for number in found]
    labels = [names[number] if number != IGNORE else "ignored" for number in found]
    corner = (LEFT, top) / figure.get_size_inches()
    style = {"loc": "upper left", "borderaxespad": 0, "borderpad": 0, "ncols": columns}
    ink.legend(figure, handles, labels, bbox_to_anchor=corner, **style)


def _score_bar(figure: Any, left: float, y: float) -> None:
    ramp = np.linspace(0, 1, 256, dtype=np.float32)[None]
    picture = overlay(np.full((1, 256, 3), 128, np.uint8), ramp)
    _axes(figure, left + 0.6, y - 0.05, CELL - 0.8, 0.1).imshow(picture, aspect="auto")
    for place, words in ((0.25, "score 0"), (CELL - 0.1, "1")):
        _words(figure, left + place, y, words, size=9, color=ink.QUIET)


def _words(figure: Any, x: float, y: float, words: str, **style: Any) -> None:
    """Words around a point given in inches."""
    wide, high = figure.get_size_inches()
    ink.text(figure, x / wide, y / high, words, **style)


def _axes(figure: Any, left: float, bottom: float, width: float, height: float) -> Any:
    """Axes at a place given in inches, without frame or ticks."""
    wide, high = figure.get_size_inches()
    axes = figure.add_axes((left / wide, bottom / high, width / wide, height / high))
    axes.set_axis_off()
    return axes


def curve_figure(path: Path, curves: Sequence[Curve]) -> None:
    """Draw mIoU in percent against the threshold, a line for each curve, as PNG."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 5), dpi=DPI, layout="constrained")
    axes = figure.add_subplot(
        xlim=(0, 1), ylim=(0, 115 * max(0.01, *(c.miou.max() for c in curves)))
    )
    axes.set(xlabel="threshold on the scores", ylabel="mIoU of the masks, %")
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(color="#e8e8e8")
    spots = _spots(curves, axes.get_ylim()[1])
    for curve, spot, colour in zip(curves, spots, itertools.cycle(ink.LINES), strict=False):
        axes.plot(curve.thresholds, 100 * curve.miou, color=colour, linewidth=2)
        for name, threshold in curve.marks.items():
            y = 100 * np.interp(threshold, curve.thresholds, curve.miou)
            axes.plot(threshold, y, color=colour, **MARKS[name][1])
        ink.text(axes, *spot, curve.label, color=colour, size=12, weight="bold")
    _mark_legend(axes, [name for name in MARKS if any(name in c.marks for c in curves)])
    ink.save(figure, path)


def _mark_legend(axes: Any, names: Sequence[str]) -> None:
    from matplotlib.lines import Line2D

    handles = [Line2D([], [], color=ink.QUIET, ls="", **MARKS[name][1]) for name in names]
    labels = [MARKS[name][0] for name in names]
    ink.legend(axes, handles, labels, loc="upper right", title="Threshold", alignment="left")


def _spots(curves: Sequence[Curve], top: float) -> list[NDArray[np.float64]]:
    """Where labels go: at the upper half of their line, far from other lines and labels."""
    unit = np.array(CURVES) / (1, top)
    lines = [np.stack([c.thresholds, 100 * c.miou], 1) * unit for c in curves]
    taken, spots = np.concatenate(lines), []
    for curve, line in zip(curves, lines, strict=True):
        half = np.array([0.05 * len(ink.plain(curve.label)) + 0.05, 0.1])  # of the label's box
        upper = line[line[:, 1] >= line[:, 1].max() / 2]
        near = np.concatenate([upper + offset for offset in np.multiply(OFFSETS, half + 0.12)])
        near = near[((near >= half) & (near <= CURVES - half)).all(1)]
        beyond = np.maximum(np.abs(near[:, None] - taken) - half, 0)
        spot = near[np.hypot(beyond[..., 0], beyond[..., 1]).min(1).argmax()]
        taken = np.concatenate([taken, spot + half * np.linspace((-1, 0), (1, 0), 20)])
        spots.append(spot / unit)
    return spots


def contact_sheet(path: Path, cells: Sequence[Cell], columns: int) -> None:
    """Draw a dataset as PNG: each image large, its truth and saliency small below it.

    All images must have the size of the first one, even in both directions.
    """
    tiles = [_tile(*cell) for cell in cells]
    high, wide = np.array(tiles[0].shape[:2]) + SPACE
    rows = math.ceil(len(tiles) / columns)
    sheet = np.full((rows * high + SPACE, columns * wide + SPACE, 3), ink.GROUND, np.uint8)
    for number, tile in enumerate(tiles):
        row, column = divmod(number, columns)
        place = sheet[row * high + SPACE :, column * wide + SPACE :]
        place[: high - SPACE, : wide - SPACE] = tile
    with atomic(path) as temporary:
        PillowImage.fromarray(sheet).save(temporary, format="PNG", optimize=True)


def _tile(image: Image, truth: Mask, saliency: Map) -> Image:
    """An image over its truth and saliency at half the size; black is the sheet's ground."""
    ground = np.array(ink.GROUND)
    grey = (ground + saliency[..., None] * (255.0 - ground)).astype(np.uint8)
    halves = np.concatenate([ink.class_colours()[truth], grey], 1)[::2, ::2]
    return np.concatenate([image, halves])
