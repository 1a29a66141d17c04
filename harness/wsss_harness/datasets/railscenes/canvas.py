"""The canvas of one scene, the items on it, and the pen that draws them.

The canvas is twice as large as the picture; a pen draws on a transparent layer of its size.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import ArrayLike, NDArray

from wsss_harness.datasets.railscenes.colours import Colour
from wsss_harness.datasets.railscenes.noise import FloatMap, blob, patch
from wsss_harness.datasets.railscenes.shapes import Points

FINER = 2  # canvas pixels along one pixel of the picture
SHIFT = 4  # sub-pixel bits of OpenCV's drawing functions
HALF = 127  # stands for 1 in 8-bit light maps

Layer = NDArray[np.uint8]  # (H, W, 4): colour times coverage, and coverage


class Pen:
    """Draws in an object's own units (y up) on a layer of the scene's size.

    ``matrix`` (2, 3) takes the object's units to pixels of the layer.
    """

    def __init__(self, shape: tuple[int, int], matrix: NDArray[np.float64]) -> None:
        self.layer: Layer = np.zeros((*shape, 4), np.uint8)
        self.matrix = matrix
        self.scale = float(np.sqrt(abs(np.linalg.det(matrix[:, :2]))))
        self._back = np.linalg.inv(matrix[:, :2]).T

    def pixels(self, points: ArrayLike) -> Points:
        return np.asarray(points, np.float64) @ self.matrix[:, :2].T + self.matrix[:, 2]

    def fill(self, points: ArrayLike, colour: Colour) -> None:
        self.fill_all([points], colour)

    def fill_all(self, outlines: Sequence[ArrayLike], colour: Colour) -> None:
        """Fill several outlines that do not overlap."""
        corners = [_fixed(self.pixels(points)) for points in outlines]
        cv2.fillPoly(self.layer, corners, (*colour, 255.0), cv2.LINE_AA, SHIFT)

    def line(self, points: ArrayLike, width: float, colour: Colour) -> None:
        thickness = max(1, round(width * self.scale))
        corners = [_fixed(self.pixels(points))]
        cv2.polylines(self.layer, corners, False, (*colour, 255.0), thickness, cv2.LINE_AA, SHIFT)

    def ramp(
        self, points: ArrayLike, colours: Sequence[Colour], axis: tuple[float, float] = (0.0, -1.0)
    ) -> None:
        """Fill an outline with a gradient of ``colours`` along ``axis``, by default downwards."""
        outline = np.asarray(points, np.float64)
        placed = self.pixels(outline)
        window = _window(placed.min(0), placed.max(0), self.layer.shape)
        if window is None:
            return
        rows, columns = window
        corner = np.array([columns.start, rows.start])
        mask = np.zeros((rows.stop - rows.start, columns.stop - columns.start), np.uint8)
        cv2.fillPoly(mask, [_fixed(placed - corner)], 255.0, cv2.LINE_AA, SHIFT)
        steps = self._steps(outline, axis, mask.shape, corner)
        _blend(self.layer[rows, columns], cv2.LUT(cv2.merge([steps] * 4), _table(colours)), mask)

    def _steps(
        self, outline: Points, axis: tuple[float, float], shape: tuple[int, ...], corner: Points
    ) -> NDArray[np.uint8]:
        along = outline @ np.asarray(axis)
        low, span = along.min(), max(float(np.ptp(along)), 1e-9)
        slope = self._back @ np.asarray(axis) * (255 / span)
        start = slope @ (corner - self.matrix[:, 2]) - low * (255 / span)
        x = slope[0] * np.arange(shape[1], dtype=np.float32)
        y = slope[1] * np.arange(shape[0], dtype=np.float32) + start
        return np.asarray(np.clip(y[:, None] + x[None], 0, 255), np.uint8)

    def cover(self) -> NDArray[np.uint8]:
        return np.asarray(cv2.extractChannel(self.layer, 3), np.uint8)

    def shade(self, rng: Generator, name: str, strength: float, bevel: float, unit: int) -> None:
        """Light the figure from the upper left and roughen its surface with a texture."""
        cover = self.cover()
        window = bounds(cover)
        layer, alpha = self.layer[window], np.ascontiguousarray(cover[window])
        if not alpha.size:
            return
        height, width = alpha.shape
        rough = cv2.resize(patch(name, rng, alpha.shape, unit), (width, height))
        light = rough * np.float32(strength)
        if bevel:
            light += np.float32(bevel) * _bevel(alpha, self.scale)
        factor = cv2.convertScaleAbs(light, alpha=HALF, beta=HALF)
        factors = cv2.merge([factor] * 3 + [np.full_like(alpha, HALF)])
        lit = cv2.multiply(layer, factors, scale=1 / HALF)
        self.layer[window] = cv2.min(lit, cv2.merge([alpha] * 4))

    def fade(self, colour: Colour, share: float) -> None:
        """Blend the figure with ``share`` of ``colour``, as mist does."""
        alpha = self.cover()
        mist = cv2.merge([cv2.convertScaleAbs(alpha, alpha=c / 255) for c in (*colour, 255.0)])
        self.layer = np.asarray(cv2.addWeighted(self.layer, 1 - share, mist, share, 0), np.uint8)


def bounds(cover: NDArray[np.uint8]) -> tuple[slice, slice]:
    """Rows and columns of the smallest window around all covered pixels."""
    left, top, width, height = cv2.boundingRect(cover)
    return slice(top, top + height), slice(left, left + width)


def _fixed(placed: Points) -> NDArray[np.int32]:
    return (placed * (1 << SHIFT)).round().astype(np.int32)


def _window(low: Points, high: Points, shape: tuple[int, ...]) -> tuple[slice, slice] | None:
    left, top = (max(0, int(v) - 2) for v in np.floor(low))
    right, bottom = (min(n, int(v) + 3) for v, n in zip(np.ceil(high), shape[1::-1], strict=True))
    if left >= right or top >= bottom:
        return None
    return slice(top, bottom), slice(left, right)


def _table(colours: Sequence[Colour]) -> NDArray[np.uint8]:
    table = np.full((1, 256, 4), 255, np.uint8)
    table[0, :, :3] = np.minimum(_weights(len(colours)) @ np.asarray(colours), 255)
    return table


@lru_cache
def _weights(stops: int) -> Points:
    """(256, stops): how much of each stop is in each step of a ramp."""
    at = np.linspace(0, stops - 1, 256)[:, None]
    return np.asarray(np.clip(1 - np.abs(at - np.arange(stops)), 0, 1), np.float64)


def _blend(under: Layer, over: Layer, mask: NDArray[np.uint8]) -> None:
    cover = cv2.merge([mask] * 4)
    kept = cv2.multiply(under, cv2.bitwise_not(cover), scale=1 / 255)
    cv2.add(kept, cv2.multiply(over, cover, scale=1 / 255), dst=kept)
    under[:] = kept


def _bevel(alpha: NDArray[np.uint8], scale: float) -> FloatMap:
    """How much the surface faces the light, about -1 to 1: the slope of the blurred outline."""
    height, width = alpha.shape
    size = (max(2, width // 4), max(2, height // 4))
    small = cv2.resize(alpha, size, interpolation=cv2.INTER_AREA).astype(np.float32)
    sigma = max(0.8, 0.035 * scale / 4)
    soft = cv2.GaussianBlur(small, (0, 0), sigma, borderType=cv2.BORDER_REPLICATE)
    slope = cv2.Sobel(soft, -1, 1, 0, scale=0.35) + cv2.Sobel(soft, -1, 0, 1, scale=0.65)
    grown = cv2.resize(slope * (sigma / 255 / 2), (width, height))
    return np.asarray(grown, np.float32)


Draw = Callable[[Pen, Generator], None]


@dataclass(frozen=True)
class Spot:
    """A figure's place: x, y (down) and size in scene heights, rotation in degrees."""

    x: float
    y: float
    size: float
    degrees: float = 0.0
    mirrored: bool = False

    def matrix(self, unit: int) -> NDArray[np.float64]:
        c, s = np.cos(np.radians(self.degrees)), np.sin(np.radians(self.degrees))
        flip = -1.0 if self.mirrored else 1.0
        turn = np.array([[c, -s], [-s, -c]]) * (flip, 1.0)
        place = np.array([[self.x], [self.y]])
        return unit * np.hstack([self.size * turn, place])


@dataclass(frozen=True)
class Item:
    """A figure on the canvas. ``number`` is its class; 0 for a distractor or a context."""

    number: int
    cover: NDArray[np.uint8]  # (H, W) coverage at the picture's size, 0 to 255
    context: int = 0


@dataclass
class Canvas:
    """``colour`` (h, w, 3) and ``context`` (h, w) in canvas pixels; ``items``, back to front."""

    width: int
    height: int
    rng: Generator
    haze: tuple[float, float, float] = (190.0, 196.0, 200.0)
    items: list[Item] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.unit = self.height * FINER
        self.shape = (self.height * FINER, self.width * FINER)
        self.aspect = self.width / self.height
        self.colour = np.zeros((*self.shape, 3), np.uint8)
        self.context = np.zeros(self.shape, np.uint8)

    def rows(self, top: float, bottom: float) -> slice:
        """Canvas rows between two heights, in scene heights from the top."""
        first, last = (round(float(np.clip(y, 0, 1)) * self.shape[0]) for y in (top, bottom))
        return slice(first, last)

    def pen(self, spot: Spot) -> Pen:
        return Pen(self.shape, spot.matrix(self.unit))

    def put(
        self,
        draw: Draw,
        spot: Spot,
        *,
        number: int = 0,
        context: int = 0,
        texture: tuple[str, float] = ("soft", 0.05),
        bevel: float = 0.5,
        mist: float = 0.0,
    ) -> None:
        """Draw a figure, shade it, lay it over the canvas and record what it covers."""
        pen = self.pen(spot)
        draw(pen, self.rng)
        pen.shade(self.rng, texture[0], texture[1], bevel, self.unit)
        if mist:
            pen.fade(self.haze, mist)
        cover = self.lay(pen, context)
        if cover.any():
            small = cv2.resize(cover, (self.width, self.height), interpolation=cv2.INTER_AREA)
            self.items.append(Item(number, small, context))

    def lay(self, pen: Pen, context: int = 0) -> NDArray[np.uint8]:
        """Lay a drawing over the canvas without recording it; return its coverage."""
        cover = pen.cover()
        window = bounds(cover)
        layer, alpha = pen.layer[window], np.ascontiguousarray(cover[window])
        if not alpha.size:
            return cover
        uncovered = cv2.merge([cv2.bitwise_not(alpha)] * 3)
        kept = cv2.multiply(self.colour[window], uncovered, scale=1 / 255)
        self.colour[window] = cv2.add(kept, np.ascontiguousarray(layer[..., :3]))
        self.context[window][alpha > 127] = context
        return cover

    def shadow(self, x: float, y: float, across: float, down: float, strength: float) -> None:
        """A soft dark spot with the half axes ``across`` and ``down`` in scene heights."""
        dark = np.float32(strength)
        self._spot(x, y, across, down, lambda under, spot: under * (1 - dark * spot))

    def glow(self, x: float, y: float, radius: float, colour: FloatMap, share: float) -> None:
        """A soft bright spot of ``colour``."""
        self._spot(
            x, y, radius, radius, lambda under, spot: under + (colour - under) * (share * spot)
        )

    def _spot(
        self, x: float, y: float, across: float, down: float, change: Callable[..., FloatMap]
    ) -> None:
        size = [max(2, int(2 * v * self.unit)) for v in (across, down)]
        left, top = int((x - across) * self.unit), int((y - down) * self.unit)
        x0, y0 = max(0, left), max(0, top)
        x1, y1 = min(self.shape[1], left + size[0]), min(self.shape[0], top + size[1])
        if x0 >= x1 or y0 >= y1:
            return
        spot = cv2.resize(blob(), (size[0], size[1]))[y0 - top : y1 - top, x0 - left : x1 - left]
        under = self.colour[y0:y1, x0:x1]
        under[:] = np.clip(change(under.astype(np.float32), spot[..., None]), 0, 255)
