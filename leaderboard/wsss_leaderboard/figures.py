"""Pictures of methods side by side, of threshold curves, and of a dataset.

The colours are those of Okabe and Ito and three more, chosen to stay apart from them, from black
and from light grey under simulated protanopia, deuteranopia and tritanopia.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image as PillowImage

from wsss_harness.files import atomic
from wsss_harness.types import BACKGROUND, IGNORE, Image, Map, Mask

GROUND = (23, 25, 30)
IGNORED = (210, 210, 210)
COLOURS = (
    *((86, 180, 233), (230, 159, 0), (0, 158, 115), (240, 228, 66), (213, 94, 0)),
    *((204, 121, 167), (0, 114, 178), (143, 69, 245), (138, 75, 26), (180, 255, 165)),
)
LINES = ("#0072b2", "#d55e00", "#009e73", "#8f45f5", "#8a4b1a", "#cc79a7", "#444444")
MARKS = {"fixed": ("s", "fixed"), "held_out": ("o", "held-out images"), "oracle": ("*", "oracle")}
DPI = 120
CELL = 2.0  # width of a picture, inches
GAP, APART = 0.05, 0.16  # between pictures, between methods
LEFT, RIGHT, TOP, BOTTOM = 0.3, 0.1, 0.62, 0.45  # margins, inches

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
    """mIoU, (T,) fractions, at ``thresholds``, (T,); ``marks`` are thresholds by name."""

    label: str
    thresholds: NDArray[np.float64]
    miou: NDArray[np.float64]
    marks: Mapping[str, float]


def colours() -> NDArray[np.uint8]:
    """A colour for every mask value, (256, 3); classes after the tenth get paler ones."""
    table = np.empty((256, 3), np.uint8)
    for number in range(256):
        turn, place = divmod(number - 1, len(COLOURS))
        table[number] = np.array(COLOURS[place]) // (1 + turn % 2) + 127 * (turn % 2)
    table[BACKGROUND], table[IGNORE] = GROUND, IGNORED
    return table


def overlay(image: Image, scores: Map) -> Image:
    """Scores as heat over the grey image: the higher, the brighter and the more opaque."""
    import matplotlib

    heat = matplotlib.colormaps["inferno"](0.25 + 0.75 * scores)[..., :3]
    opacity = 0.85 * np.sqrt(scores)[..., None]
    mixed = (1 - opacity) * image.mean(2, keepdims=True) / 255 + opacity * heat
    return np.round(255 * mixed).astype(np.uint8)


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
    height = TOP + sum(heights) + GAP * len(heights) + BOTTOM
    figure = Figure(figsize=(width, height), dpi=DPI)
    top = height - TOP
    _titles(figure, lefts, methods, top)
    for example, tall in zip(examples, heights, strict=True):
        _text(figure, LEFT / 2, top - tall / 2, example.image_id, size=7, rotation=90)
        for left, (picture, smooth) in zip(lefts, _pictures(example, methods), strict=True):
            axes = _axes(figure, left, top - tall, CELL, tall)
            axes.imshow(picture, interpolation="lanczos" if smooth else "nearest")
        top -= tall + GAP
    _class_legend(figure, examples, class_names)
    _score_bar(figure, width - RIGHT - CELL)
    _save(figure, path)


def _pictures(example: Example, methods: Sequence[str]) -> list[tuple[Image, bool]]:
    """A row's pictures, and whether each is drawn smoothly."""
    table = colours()
    pictures = [(example.image, True), (table[example.truth], False)]
    for method in methods:
        pictures.append((overlay(example.image, example.scores[method]), True))
        pictures.append((table[example.masks[method]], False))
    return pictures


def _titles(figure: Any, lefts: Sequence[float], methods: Sequence[str], top: float) -> None:
    for left, title in zip(lefts, ["image", "truth", *["scores", "mask"] * len(methods)], strict=True):
        _text(figure, left + CELL / 2, top + 0.14, title, color="#555555", size=10)
    for left, method in zip(lefts[2::2], methods, strict=True):
        _text(figure, left + CELL + GAP / 2, top + 0.4, method, size=13, weight="bold")


def _class_legend(figure: Any, examples: Sequence[Example], names: tuple[str, ...]) -> None:
    from matplotlib.patches import Patch

    masks = [mask for e in examples for mask in (e.truth, *e.masks.values())]
    found = sorted({int(number) for mask in masks for number in np.unique(mask)} - {BACKGROUND})
    patches = [Patch(color=colours()[number] / 255) for number in found]
    labels = [names[number] if number != IGNORE else "not counted" for number in found]
    left = LEFT / figure.get_figwidth()
    _legend(figure, patches, labels, loc="lower left", bbox_to_anchor=(left, 0), ncols=len(found))


def _score_bar(figure: Any, left: float) -> None:
    axes = _axes(figure, left + 0.6, 0.17, CELL - 0.8, 0.1)
    ramp = np.linspace(0, 1, 256, dtype=np.float32)[None]
    axes.imshow(overlay(np.full((1, 256, 3), 128, np.uint8), ramp), aspect="auto")
    for place, words in ((0.25, "score 0"), (CELL - 0.1, "1")):
        _text(figure, left + place, 0.22, words, size=9, color="#555555")


def _axes(figure: Any, left: float, bottom: float, width: float, height: float) -> Any:
    """Axes at a place given in inches, without frame or ticks."""
    wide, high = figure.get_size_inches()
    axes = figure.add_axes((left / wide, bottom / high, width / wide, height / high))
    axes.set_axis_off()
    return axes


def _plain(words: str) -> str:
    """One line of printable characters."""
    return " ".join("".join(c if c.isprintable() else " " for c in words).split())


def _text(figure: Any, x: float, y: float, words: str, **style: Any) -> None:
    """Words around a point given in inches; nothing in them is taken for markup."""
    wide, high = figure.get_size_inches()
    style = {"ha": "center", "va": "center", "parse_math": False, **style}
    figure.text(x / wide, y / high, _plain(words), **style)


def _legend(where: Any, handles: Sequence[Any], labels: Sequence[str], **style: Any) -> None:
    """A legend whose labels are set afterwards: matplotlib leaves out those that start with _."""
    legend = where.legend(handles, ["."] * len(handles), frameon=False, fontsize=10, **style)
    for text, label in zip(legend.get_texts(), labels, strict=True):
        text.set_parse_math(False)
        text.set_text(_plain(label))


def _save(figure: Any, path: Path) -> None:
    """Write a PNG that holds nothing but the picture; a missing glyph is drawn as a box."""
    import warnings

    from matplotlib.backends.backend_agg import FigureCanvasAgg

    with atomic(path) as temporary, warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing")
        canvas = FigureCanvasAgg(figure)
        canvas.print_png(temporary, metadata={"Software": None})
