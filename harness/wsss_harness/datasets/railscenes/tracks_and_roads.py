"""Bands across the ground: railway tracks and roads."""

import numpy as np

from wsss_harness.datasets.railscenes.canvas import Canvas, Spot
from wsss_harness.datasets.railscenes.colours import Colour, jitter, shades
from wsss_harness.datasets.railscenes.grounds import RAILS, ROAD, ground


def strip(canvas: Canvas, middle: float, half: float, slope: float) -> list[tuple[float, float]]:
    """A band across the scene, tilted by ``slope``, in scene coordinates."""
    left, right = -0.1, canvas.aspect + 0.1
    rise = [slope * (x - canvas.aspect / 2) for x in (left, right)]
    return [
        (left, middle - half + rise[0]), (right, middle - half + rise[1]),
        (right, middle + half + rise[1]), (left, middle + half + rise[0]),
    ]  # fmt: skip


def rails(canvas: Canvas, middle: float, half: float, slope: float) -> None:
    """Ballast, sleepers and two rails; ``middle`` is where the far rail lies."""
    rng = canvas.rng
    stone = jitter(rng, (128, 118, 108), 0.05)
    ground(canvas, strip(canvas, middle + half * 0.3, half, slope),
           shades(stone, 1.15, 1, 0.7), ("gravel", 0.15), RAILS)  # fmt: skip
    pen = canvas.pen(Spot(0, 0, 1))
    step, lean = half * 0.62, half * 0.4
    wood = jitter(rng, (84, 64, 50))
    for x in np.arange(-0.1 + step * rng.random(), canvas.aspect + 0.1, step):
        y = -(middle + slope * (x - canvas.aspect / 2))
        sleeper = [(x, y + half * 0.3), (x + half * 0.22, y + half * 0.3),
                   (x + half * 0.22 - lean, y - half), (x - lean, y - half)]  # fmt: skip
        pen.ramp(sleeper, shades(wood, 1.2, 0.7))
    for y, width in ((middle, 0.014), (middle + half * 0.75, 0.02)):
        line = np.array(
            [(x, -(y + slope * (x - canvas.aspect / 2))) for x in (-0.1, canvas.aspect + 0.1)]
        )
        pen.line(line - (0, width * 0.7), width, (70, 60, 56))
        pen.line(line, width * 0.75, (196, 196, 200))
    canvas.lay(pen, context=RAILS)
    canvas.items.pop()


def road(canvas: Canvas, middle: float, half: float, slope: float) -> None:
    rng = canvas.rng
    tar = jitter(rng, (92, 94, 98), 0.04)
    ground(canvas, strip(canvas, middle, half, slope),
           shades(tar, 1.2, 1, 0.8), ("gravel", 0.1), ROAD)  # fmt: skip
    pen = canvas.pen(Spot(0, 0, 1))

    def stroke(x0: float, x1: float, y: float, width: float, colour: Colour) -> None:
        line = [(x, -(y + slope * (x - canvas.aspect / 2))) for x in (x0, x1)]
        pen.line(line, width, colour)

    stroke(-0.1, canvas.aspect + 0.1, middle - half, 0.016, (214, 210, 202))
    stroke(-0.1, canvas.aspect + 0.1, middle + half, 0.022, (206, 202, 194))
    marking = (228, 206, 120) if rng.random() < 0.5 else (222, 222, 216)
    for x in np.arange(-0.3 + 0.3 * rng.random(), canvas.aspect, 0.3):
        stroke(x, x + 0.15, middle + half * 0.15, 0.02, marking)
    canvas.lay(pen, context=ROAD)
    canvas.items.pop()
