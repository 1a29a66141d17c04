"""The qualitative figure of a paper: images, truth and masks of several methods side by side."""

import math
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wsss_harness.contract.types import BACKGROUND, IGNORE, Image, Mask
from wsss_leaderboard.figures import ink

DPI = 300
GAP, MARGIN = 0.03, 0.02  # between pictures, around the figure, inches
SIZES = (8.0, 7.0, 6.0, 5.0)  # of letters, points: titles have the first with which they fit
LETTER, LEADING = 0.56 / 72, 1.25 / 72  # width of a letter, height of a line: inches a point
SWATCH = 0.3  # of the legend with the space around it, inches
LEGEND = {  # lengths in sizes of letters
    **{"handlelength": 1.0, "handleheight": 1.0, "handletextpad": 0.4, "columnspacing": 1.2},
    **{"borderpad": 0, "borderaxespad": 0, "labelspacing": 0.3},
}


@dataclass(frozen=True)
class Line:
    """An image, and the masks beside it."""

    image_id: str
    image: Image
    masks: tuple[Mask, ...]


@dataclass(frozen=True)
class Panels:
    """Lines of pictures below ``titles``.

    ``colours``, (256, 3), and ``classes``, the names of 0..C, go by the values of masks.
    """

    titles: tuple[str, ...]
    lines: tuple[Line, ...]
    colours: NDArray[np.uint8]
    classes: tuple[str, ...]

    @property
    def entries(self) -> list[tuple[str, NDArray[np.uint8]]]:
        """Name and colour of each mask value that appears, without the background."""
        values = {int(v) for line in self.lines for mask in line.masks for v in np.unique(mask)}
        names = {**dict(enumerate(self.classes)), IGNORE: "ignored"}
        return [(names[value], self.colours[value]) for value in sorted(values - {BACKGROUND})]


def panel_figure(path: Path, panels: Panels, width: float) -> None:
    """Draw panels, ``width`` inches wide, as PNG or PDF, as the name of the file says."""
    from matplotlib.figure import Figure

    cell = (width - 2 * MARGIN + GAP) / len(panels.titles) - GAP
    heights = [cell * min(1.0, len(line.image) / line.image.shape[1]) for line in panels.lines]
    titles, size = wrapped(panels.titles, cell)
    above = max(map(len, titles)) * size * LEADING + 2 * GAP
    columns, below = _legend_size(panels, width)
    figure = Figure(figsize=(width, above + sum(heights) + GAP * len(heights) + below), dpi=DPI)
    lefts = [MARGIN + number * (cell + GAP) for number in range(len(titles))]
    top = below + sum(heights) + GAP * len(heights)
    for left, title in zip(lefts, titles, strict=True):
        _title(figure, left + cell / 2, top + GAP, title, size)
    for line, height in zip(panels.lines, heights, strict=True):
        top -= height
        for left, picture in zip(lefts, _pictures(line, panels.colours), strict=True):
            _show(ink.picture_axes(figure, left, top, cell, height), *picture)
        top -= GAP
    _legend(figure, panels, columns)
    ink.save(figure, path)


def _legend_size(panels: Panels, width: float) -> tuple[int, float]:
    """The columns of the legend, whose lines are about equally long, and its height in inches."""
    entries = panels.entries
    longest = max((len(ink.plain(label)) for label, _ in entries), default=0)
    fitting = max(1, int(width / (SWATCH + longest * SIZES[0] * LETTER)))
    rows = math.ceil(len(entries) / fitting)
    return math.ceil(len(entries) / max(1, rows)), rows * SIZES[0] * LEADING * 1.1 + 2 * GAP


def _legend(figure: Any, panels: Panels, columns: int) -> None:
    from matplotlib.patches import Patch

    edge: Mapping[str, Any] = {"edgecolor": ink.QUIET, "linewidth": 0.4}
    handles = [Patch(facecolor=colour / 255, **edge) for _, colour in panels.entries]
    labels = [label for label, _ in panels.entries]
    style = {"loc": "lower center", "bbox_to_anchor": (0.5, GAP / figure.get_figheight())}
    ink.legend(figure, handles, labels, ncols=max(1, columns), fontsize=SIZES[0], **LEGEND, **style)


def wrapped(titles: Sequence[str], cell: float) -> tuple[list[list[str]], float]:
    """Each title in lines that fit above a picture, and the size of letters, in points."""
    words = max((len(word) for title in titles for word in ink.plain(title).split()), default=1)
    size = next((size for size in SIZES if words * size * LETTER <= cell), SIZES[-1])
    fitting = max(1, int(cell / (size * LETTER)))
    return [textwrap.wrap(ink.plain(title), fitting) or [""] for title in titles], size


def _title(figure: Any, x: float, bottom: float, lines: Sequence[str], size: float) -> None:
    for number, line in enumerate(reversed(lines)):
        y = bottom + (number + 0.5) * size * LEADING
        ink.words(figure, x, y, line, size=size)


def _pictures(line: Line, colours: NDArray[np.uint8]) -> list[tuple[Image, bool]]:
    """The pictures of a line, each with whether it is a mask."""
    return [(line.image, False), *((colours[mask], True) for mask in line.masks)]


def _show(axes: Any, picture: Image, is_mask: bool) -> None:
    """A mask that is enlarged keeps its pixels; all else is filtered."""
    enlarged = picture.shape[1] < axes.get_window_extent().width
    axes.imshow(picture, interpolation="nearest" if is_mask and enlarged else "hanning")
