"""The canvas of one scene, drawn at twice the size of the picture, and the items on it."""

from collections.abc import Callable
from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from wsss_harness.datasets.railscenes.noise import FloatMap, blob
from wsss_harness.datasets.railscenes.pen import Pen, bounds

FINER = 2  # canvas pixels along one pixel of the picture

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
