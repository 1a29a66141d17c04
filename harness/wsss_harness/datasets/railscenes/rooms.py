"""Backgrounds without a horizon: rooms, and leaves out of focus."""

import numpy as np

from wsss_harness.datasets.railscenes.colours import WHITE, jitter, light, tone
from wsss_harness.datasets.railscenes.grounds import GREENS, paint, size_of
from wsss_harness.datasets.railscenes.noise import patch, receding
from wsss_harness.datasets.railscenes.shapes import box
from wsss_harness.datasets.railscenes.stage import Spot, Stage


def wall(stage: Stage, floor: float) -> None:
    """An indoor wall down to ``floor``, and the floor."""
    rng = stage.rng
    hue = jitter(
        rng,
        ((196, 182, 164), (164, 184, 174), (178, 168, 188), (206, 198, 170))[int(rng.integers(4))],
    )
    stage.haze = hue
    soft = patch("soft", rng, size_of(stage, 0, floor), stage.unit)
    paint(stage, 0, floor, [tone(hue, 0.94), hue, tone(hue, 0.85)], (soft, 0.05))
    if rng.random() < 0.4:
        _wallpaper(stage, floor)
    _floor(stage, floor)


def _wallpaper(stage: Stage, floor: float) -> None:
    step = float(stage.rng.uniform(0.07, 0.14))
    for x in np.arange(0, stage.aspect, 2 * step):
        columns = slice(int(x * stage.unit), int((x + step) * stage.unit))
        area = stage.colour[stage.rows(0, floor), columns]
        area[:] = area * np.float32(0.94)


def _floor(stage: Stage, top: float) -> None:
    rng = stage.rng
    wood = jitter(rng, ((150, 108, 70), (116, 84, 60), (176, 150, 118))[int(rng.integers(3))])
    planks = receding("wood", rng, size_of(stage, top, 1), stage.unit)
    paint(stage, top, 1.0, [tone(wood, 0.8), wood, tone(wood, 1.1)], (planks, 0.1))
    pen = stage.pen(Spot(0, 0, 1))
    pen.ramp(box(-0.1, -top - 0.012, stage.aspect + 0.1, -top + 0.035), [WHITE, tone(WHITE, 0.7)])
    stage.lay(pen)
    stage.items.pop()


def foliage(stage: Stage) -> None:
    """Leaves far out of focus."""
    rng = stage.rng
    green = jitter(rng, GREENS[int(rng.integers(len(GREENS)))])
    stage.haze = tone(green, 1.2)
    leaves = patch("soft", rng, stage.shape, stage.unit)
    paint(stage, 0, 1, [tone(green, 1.35), green, tone(green, 0.65)], (leaves, 0.16))
    for _ in range(14):
        x, y, r = rng.uniform(0, stage.aspect), rng.uniform(0, 1), rng.uniform(0.04, 0.16)
        colour = jitter(rng, tone(green, float(rng.uniform(0.6, 1.6))), 0.06)
        stage.glow(float(x), float(y), float(r), light(colour), float(rng.uniform(0.3, 0.8)))
