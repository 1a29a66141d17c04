"""Backgrounds with a horizon: skies, hills, water, meadows, bare earth."""

from collections.abc import Sequence

import numpy as np

from wsss_harness.datasets.railscenes.canvas import Canvas, Spot
from wsss_harness.datasets.railscenes.colours import WHITE, Colour, jitter, light, mix, shades, tone
from wsss_harness.datasets.railscenes.noise import FloatMap, patch, receding

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
    for layer in range(int(rng.integers(0, 3))):
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
    """Draw a textured outline, in scene coordinates (y down), as ground rather than as an item."""
    pen = canvas.pen(Spot(0, 0, 1))
    pen.ramp(np.asarray(points) * (1, -1), colours)
    pen.shade(canvas.rng, *texture, 0.0, canvas.unit)
    canvas.lay(pen, context=context)
    canvas.items.pop()


def meadow(canvas: Canvas, top: float, bottom: float = 1.0, context: int = MEADOW) -> None:
    rng = canvas.rng
    green = jitter(rng, GREENS[rng.integers(len(GREENS))])
    blades = receding("grass", rng, size_of(canvas, top, bottom), canvas.unit)
    far = mix(green, canvas.haze, 0.35)
    paint(canvas, top, bottom, [far, green, tone(green, 0.75)], (blades, 0.11), context)
    patches = patch("soft", rng, blades.shape, canvas.unit)
    rows = canvas.rows(top, bottom)
    canvas.colour[rows] = np.clip(canvas.colour[rows] * (1 + 0.08 * patches[..., None]), 0, 255)


def plain(canvas: Canvas, top: float, bottom: float = 1.0) -> None:
    """Earth, sand or gravel."""
    rng = canvas.rng
    earth = jitter(rng, EARTHS[rng.integers(len(EARTHS))])
    stones = receding("gravel", rng, size_of(canvas, top, bottom), canvas.unit)
    paint(
        canvas, top, bottom, [mix(earth, canvas.haze, 0.3), earth, tone(earth, 0.8)], (stones, 0.09)
    )


def water(canvas: Canvas, top: float, bottom: float = 1.0) -> None:
    rng = canvas.rng
    deep = jitter(rng, ((38, 92, 120), (44, 116, 128), (54, 84, 112))[rng.integers(3)])
    waves = receding("waves", rng, size_of(canvas, top, bottom), canvas.unit)
    far = mix(deep, canvas.haze, 0.6)
    paint(canvas, top, bottom, [far, deep, tone(deep, 0.75)], (waves, 0.13), WATER)
    rows = canvas.rows(top, bottom)
    glints = np.clip(waves - 1.25, 0, 0.8)[..., None] * np.float32(0.8)
    under = canvas.colour[rows]
    under[:] = under + (light(mix(canvas.haze, WHITE, 0.5)) - under) * glints
