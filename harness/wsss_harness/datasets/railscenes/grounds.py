"""Backgrounds: skies, hills, water, meadows, bare earth, tracks, roads, rooms and foliage."""

from collections.abc import Sequence

import numpy as np

from wsss_harness.datasets.railscenes.canvas import Canvas, Spot
from wsss_harness.datasets.railscenes.colours import (
    WHITE,
    Colour,
    jitter,
    light,
    mix,
    pick,
    shades,
    tone,
)
from wsss_harness.datasets.railscenes.noise import FloatMap, patch, receding
from wsss_harness.datasets.railscenes.shapes import box

CONTEXTS = ("rails", "water", "sky", "road", "meadow", "sofa", "table", "branch")
RAILS, WATER, SKY, ROAD, MEADOW, SOFA, TABLE, BRANCH = range(1, 9)

# Zenith, middle, horizon.
SKIES: tuple[tuple[Colour, Colour, Colour], ...] = (
    ((70, 130, 196), (128, 178, 220), (206, 224, 232)),
    ((96, 150, 204), (160, 196, 222), (222, 226, 222)),
    ((150, 162, 176), (182, 190, 198), (208, 210, 208)),
    ((92, 104, 150), (206, 158, 150), (244, 190, 132)),
    ((120, 128, 162), (176, 170, 186), (226, 208, 196)),
    ((88, 150, 170), (150, 196, 196), (214, 226, 210)),
)
GREENS: tuple[Colour, ...] = ((106, 138, 70), (134, 150, 84), (92, 124, 72), (160, 156, 96))
WALLS: tuple[Colour, ...] = ((196, 182, 164), (164, 184, 174), (178, 168, 188), (206, 198, 170))
EARTHS: tuple[Colour, ...] = ((170, 156, 128), (146, 130, 108), (182, 172, 152), *GREENS[:2])


def paint(
    canvas: Canvas,
    top: float,
    bottom: float,
    colours: Sequence[Colour],
    rough: tuple[FloatMap, float] | None = None,
    context: int = 0,
) -> None:
    """Fill the rows between two heights with a ramp of ``colours``, times 1 + strength x noise."""
    rows = canvas.rows(top, bottom)
    height = rows.stop - rows.start
    if height <= 0:
        return
    at = np.linspace(0, len(colours) - 1, height)
    steps = np.arange(len(colours))
    ramp = np.stack([np.interp(at, steps, [c[k] for c in colours]) for k in range(3)], 1)
    area = np.broadcast_to(ramp.astype(np.float32)[:, None], (height, canvas.shape[1], 3))
    if rough is not None:
        area = area * (1 + rough[1] * rough[0][..., None])
    canvas.colour[rows] = np.clip(area, 0, 255)
    canvas.context[rows] = context


def size_of(canvas: Canvas, top: float, bottom: float) -> tuple[int, int]:
    rows = canvas.rows(top, bottom)
    return rows.stop - rows.start, canvas.shape[1]


def sky(canvas: Canvas, horizon: float) -> None:
    rng = canvas.rng
    colours = [jitter(rng, c, 0.03) for c in SKIES[rng.integers(len(SKIES))]]
    canvas.haze = colours[2]
    paint(canvas, 0.0, horizon, colours, context=SKY)
    _clouds(canvas, horizon, rng.uniform(-0.6, 1.3), colours[0])


def _clouds(canvas: Canvas, horizon: float, gap: float, zenith: Colour) -> None:
    """Draw cumulus from thresholded noise: white on top, greyer where the noise is dense."""
    rows = canvas.rows(0, horizon)
    if rows.stop - rows.start < 4:
        return
    noise = patch("clouds", canvas.rng, size_of(canvas, 0, horizon), canvas.unit)
    cover = np.clip((noise - np.float32(gap)) * np.float32(1.1), 0, 1)[..., None]
    shade = np.clip(noise * 0.22, 0, 0.45)[..., None]
    body = light(WHITE) + (light(tone(zenith, 0.9)) - light(WHITE)) * shade
    under = canvas.colour[rows]
    under[:] = under + (body - under) * (cover * np.float32(0.85))


def hills(canvas: Canvas, horizon: float) -> None:
    """Draw up to two ridges in front of the sky; far ones are paler."""
    rng = canvas.rng
    for layer in range(rng.integers(0, 3)):
        colour = mix(jitter(rng, GREENS[0]), canvas.haze, 0.55 - 0.25 * layer)
        x = np.linspace(-0.1, canvas.aspect + 0.1, 24)
        height = rng.uniform(0.03, 0.13)
        a, b = rng.uniform(0, 6.28, 2)
        ridge = horizon - height * (1 + 0.6 * np.sin(2.2 * x + a) + 0.3 * np.sin(5 * x + b)) / 1.6
        points = [*zip(x, ridge, strict=True), (x[-1], horizon), (x[0], horizon)]
        ground(canvas, points, shades(colour, 1.1, 0.85), ("leaves", 0.07))


def ground(
    canvas: Canvas,
    points: Sequence[tuple[float, float]],
    colours: Sequence[Colour],
    texture: tuple[str, float],
    context: int = 0,
) -> None:
    """Draw a textured outline, in scene coordinates (y down), as ground."""
    pen = canvas.pen(Spot(0, 0, 1))
    pen.ramp(np.asarray(points) * (1, -1), colours)
    pen.shade(canvas.rng, *texture, 0.0, canvas.unit)
    canvas.lay(pen, context)


def meadow(canvas: Canvas, top: float) -> None:
    rng = canvas.rng
    green = pick(rng, GREENS)
    blades = receding("grass", rng, size_of(canvas, top, 1), canvas.unit)
    far = mix(green, canvas.haze, 0.35)
    paint(canvas, top, 1, [far, green, tone(green, 0.75)], (blades, 0.11), MEADOW)
    patches = patch("soft", rng, blades.shape, canvas.unit)
    rows = canvas.rows(top, 1)
    canvas.colour[rows] = np.clip(canvas.colour[rows] * (1 + 0.08 * patches[..., None]), 0, 255)


def plain(canvas: Canvas, top: float) -> None:
    """Earth, sand or gravel."""
    rng = canvas.rng
    earth = pick(rng, EARTHS)
    stones = receding("gravel", rng, size_of(canvas, top, 1), canvas.unit)
    far = mix(earth, canvas.haze, 0.3)
    paint(canvas, top, 1, [far, earth, tone(earth, 0.8)], (stones, 0.09))


def water(canvas: Canvas, top: float) -> None:
    rng = canvas.rng
    deep = pick(rng, ((38, 92, 120), (44, 116, 128), (54, 84, 112)))
    waves = receding("waves", rng, size_of(canvas, top, 1), canvas.unit)
    far = mix(deep, canvas.haze, 0.6)
    paint(canvas, top, 1, [far, deep, tone(deep, 0.75)], (waves, 0.13), WATER)
    rows = canvas.rows(top, 1)
    glints = np.clip(waves - 1.25, 0, 0.8)[..., None] * np.float32(0.8)
    under = canvas.colour[rows]
    under[:] = under + (light(mix(canvas.haze, WHITE, 0.5)) - under) * glints


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
        ends = (-0.1, canvas.aspect + 0.1)
        line = np.array([(x, -(y + slope * (x - canvas.aspect / 2))) for x in ends])
        pen.line(line - (0, width * 0.7), width, (70, 60, 56))
        pen.line(line, width * 0.75, (196, 196, 200))
    canvas.lay(pen, RAILS)


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
    canvas.lay(pen, ROAD)


def wall(canvas: Canvas, floor: float) -> None:
    """An indoor wall down to ``floor``, and the floor."""
    rng = canvas.rng
    hue = pick(rng, WALLS)
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
    wood = pick(rng, ((150, 108, 70), (116, 84, 60), (176, 150, 118)))
    planks = receding("wood", rng, size_of(canvas, top, 1), canvas.unit)
    paint(canvas, top, 1.0, shades(wood, 0.8, 1, 1.1), (planks, 0.1))
    pen = canvas.pen(Spot(0, 0, 1))
    pen.ramp(box(-0.1, -top - 0.012, canvas.aspect + 0.1, -top + 0.035), shades(WHITE, 1, 0.7))
    canvas.lay(pen)


def foliage(canvas: Canvas) -> None:
    """Fill the picture with leaves far out of focus."""
    rng = canvas.rng
    green = pick(rng, GREENS)
    canvas.haze = tone(green, 1.2)
    leaves = patch("soft", rng, canvas.shape, canvas.unit)
    paint(canvas, 0, 1, shades(green, 1.35, 1, 0.65), (leaves, 0.16))
    for _ in range(14):
        x, y, r = rng.uniform(0, canvas.aspect), rng.uniform(0, 1), rng.uniform(0.04, 0.16)
        colour = jitter(rng, tone(green, rng.uniform(0.6, 1.6)), 0.06)
        canvas.glow(float(x), float(y), float(r), light(colour), rng.uniform(0.3, 0.8))
