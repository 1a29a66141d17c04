"""Backgrounds without a horizon: rooms, and foliage out of focus."""

import numpy as np

from wsss_harness.datasets.railscenes.canvas import Canvas, Spot
from wsss_harness.datasets.railscenes.colours import WHITE, jitter, light, shades, tone
from wsss_harness.datasets.railscenes.grounds import GREENS, paint, size_of
from wsss_harness.datasets.railscenes.noise import patch, receding
from wsss_harness.datasets.railscenes.shapes import box


def wall(canvas: Canvas, floor: float) -> None:
    """An indoor wall down to ``floor``, and the floor."""
    rng = canvas.rng
    hue = jitter(
        rng, ((196, 182, 164), (164, 184, 174), (178, 168, 188), (206, 198, 170))[rng.integers(4)]
    )
    canvas.haze = hue
    soft = patch("soft", rng, size_of(canvas, 0, floor), canvas.unit)
    paint(canvas, 0, floor, shades(hue, 0.94, 1, 0.85), (soft, 0.05))
    if rng.random() < 0.4:
        _wallpaper(canvas, floor)
    _floor(canvas, floor)


def _wallpaper(canvas: Canvas, floor: float) -> None:
    step = canvas.rng.uniform(0.07, 0.14)
    for x in np.arange(0, canvas.aspect, 2 * step):
        columns = slice(int(x * canvas.unit), int((x + step) * canvas.unit))
        area = canvas.colour[canvas.rows(0, floor), columns]
        area[:] = area * np.float32(0.94)


def _floor(canvas: Canvas, top: float) -> None:
    rng = canvas.rng
    wood = jitter(rng, ((150, 108, 70), (116, 84, 60), (176, 150, 118))[rng.integers(3)])
    planks = receding("wood", rng, size_of(canvas, top, 1), canvas.unit)
    paint(canvas, top, 1.0, shades(wood, 0.8, 1, 1.1), (planks, 0.1))
    pen = canvas.pen(Spot(0, 0, 1))
    pen.ramp(box(-0.1, -top - 0.012, canvas.aspect + 0.1, -top + 0.035), shades(WHITE, 1, 0.7))
    canvas.lay(pen)
    canvas.items.pop()


def foliage(canvas: Canvas) -> None:
    """Fill the picture with leaves far out of focus."""
    rng = canvas.rng
    green = jitter(rng, GREENS[rng.integers(len(GREENS))])
    canvas.haze = tone(green, 1.2)
    leaves = patch("soft", rng, canvas.shape, canvas.unit)
    paint(canvas, 0, 1, shades(green, 1.35, 1, 0.65), (leaves, 0.16))
    for _ in range(14):
        x, y, r = rng.uniform(0, canvas.aspect), rng.uniform(0, 1), rng.uniform(0.04, 0.16)
        colour = jitter(rng, tone(green, rng.uniform(0.6, 1.6)), 0.06)
        canvas.glow(float(x), float(y), float(r), light(colour), rng.uniform(0.3, 0.8))
