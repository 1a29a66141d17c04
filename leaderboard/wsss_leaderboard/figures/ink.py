"""Shared by all figures: colours, text that is never markup, and files of equal bytes.

The colours are Okabe and Ito's and three more, chosen to differ from them, from black and from
light grey under simulated protanopia, deuteranopia and tritanopia.
"""

import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wsss_harness.contract.types import BACKGROUND, IGNORE, Image, Map
from wsss_harness.system.files import atomic

GROUND = (23, 25, 30)
IGNORED = (210, 210, 210)
COLOURS = (
    *((86, 180, 233), (230, 159, 0), (0, 158, 115), (240, 228, 66), (213, 94, 0)),
    *((204, 121, 167), (0, 114, 178), (143, 69, 245), (138, 75, 26), (180, 255, 165)),
)
LINES = ("#0072b2", "#d55e00", "#009e73", "#8f45f5", "#8a4b1a", "#cc79a7", "#444444")
QUIET = "#555555"
SMALL: Mapping[str, Any] = {"size": 7, "color": QUIET}
BOLD: Mapping[str, Any] = {"size": 12, "weight": "bold"}
LONGEST = 36  # characters of a label


def class_colours() -> NDArray[np.uint8]:
    """A colour for every mask value, (256, 3); the second ten classes get paler ones."""
    table = np.empty((256, 3), np.uint8)
    for number in range(256):
        turn, place = divmod(number - 1, len(COLOURS))
        pale = turn % 2
        table[number] = np.array(COLOURS[place]) // (1 + pale) + 127 * pale
    table[BACKGROUND], table[IGNORE] = GROUND, IGNORED
    return table


def overlay(image: Image, scores: Map) -> Image:
    """Scores as heat over the grey image: the higher, the brighter and the more opaque."""
    import matplotlib

    heat = matplotlib.colormaps["inferno"](0.25 + 0.75 * scores)[..., :3]
    opacity = 0.85 * scores[..., None] ** 0.75
    mixed = (1 - opacity) * image.mean(2, keepdims=True) / 255 + opacity * heat
    result: Image = np.round(255 * mixed).astype(np.uint8)
    return result


def plain(words: str) -> str:
    """Words as one line of printable characters, cut to LONGEST."""
    line = " ".join("".join(c if c.isprintable() else " " for c in words).split())
    return line if len(line) <= LONGEST else line[: LONGEST - 1] + "…"


def text(surface: Any, x: float, y: float, line: str, **style: Any) -> None:
    """Text centred on a point of a figure or of axes, with all markup disabled."""
    style = {"ha": "center", "va": "center", "parse_math": False, **style}
    surface.text(x, y, plain(line), **style)


def words(figure: Any, x: float, y: float, line: str, **style: Any) -> None:
    """Text centred on a point given in inches."""
    wide, high = figure.get_size_inches()
    text(figure, x / wide, y / high, line, **style)


def picture_axes(figure: Any, left: float, bottom: float, width: float, height: float) -> Any:
    """Axes at a place given in inches, without frame or ticks."""
    wide, high = figure.get_size_inches()
    axes = figure.add_axes((left / wide, bottom / high, width / wide, height / high))
    axes.set_axis_off()
    return axes


def legend(surface: Any, handles: Sequence[Any], labels: Sequence[str], **style: Any) -> None:
    """A legend whose labels are set afterwards: matplotlib omits labels that start with _."""
    style = {"frameon": False, "fontsize": 10, **style}
    drawn = surface.legend(handles, ["."] * len(handles), **style)
    for entry, label in zip(drawn.get_texts(), labels, strict=True):
        entry.set_parse_math(False)
        entry.set_text(plain(label))


def save(figure: Any, path: Path) -> None:
    """Write a PNG or PDF, as the name says, without metadata; a missing glyph is drawn as a box."""
    with atomic(path) as temporary, warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing")
        if path.suffix.lower() == ".pdf":
            _save_pdf(figure, temporary)
        else:
            _save_png(figure, temporary)


def _save_png(figure: Any, path: Path) -> None:
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    FigureCanvasAgg(figure).print_png(path, metadata={"Software": None})


def _save_pdf(figure: Any, path: Path) -> None:
    """Fonts are embedded as outlines, which publishers ask for, not as programs of PostScript."""
    import matplotlib
    from matplotlib.backends.backend_pdf import FigureCanvasPdf

    with matplotlib.rc_context({"pdf.fonttype": 42}):
        unsaid = dict.fromkeys(("Creator", "Producer", "CreationDate"))
        FigureCanvasPdf(figure).print_pdf(path, metadata=unsaid)
