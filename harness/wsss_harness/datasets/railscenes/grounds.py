"""What a scene is played on: skies, hills, water, meadows, bare earth."""

from collections.abc import Sequence

import numpy as np

from wsss_harness.datasets.railscenes.colours import WHITE, Colour, jitter, light, mix, tone
from wsss_harness.datasets.railscenes.noise import FloatMap, patch, receding
from wsss_harness.datasets.railscenes.stage import Spot, Stage

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
    stage: Stage,
    top: float,
    bottom: float,
    colours: Sequence[Colour],
    rough: tuple[FloatMap, float] | None = None,
    context: int = 0,
) -> None:
    """Fill the rows between two heights with a ramp of ``colours``, times 1 + strength x noise."""
    rows = stage.rows(top, bottom)
    height = rows.stop - rows.start
    if height <= 0:
        return
    at = np.linspace(0, len(colours) - 1, height)
    steps = np.arange(len(colours))
    ramp = np.stack([np.interp(at, steps, [c[k] for c in colours]) for k in range(3)], 1)
    area = np.broadcast_to(ramp.astype(np.float32)[:, None], (height, stage.shape[1], 3))
    if rough is not None:
        area = area * (1 + rough[1] * rough[0][..., None])
    stage.colour[rows] = np.clip(area, 0, 255)
    stage.context[rows] = context


def size_of(stage: Stage, top: float, bottom: float) -> tuple[int, int]:
    rows = stage.rows(top, bottom)
    return rows.stop - rows.start, stage.shape[1]


def sky(stage: Stage, horizon: float) -> None:
    rng = stage.rng
    colours = [jitter(rng, c, 0.03) for c in SKIES[int(rng.integers(len(SKIES)))]]
    stage.haze = colours[2]
    paint(stage, 0.0, horizon, colours, context=SKY)
    _clouds(stage, horizon, float(rng.uniform(-0.6, 1.3)), colours[0])


def _clouds(stage: Stage, horizon: float, gap: float, zenith: Colour) -> None:
    """Cumulus out of thresholded noise: white on top, greyer where the noise is dense."""
    rows = stage.rows(0, horizon)
    if rows.stop - rows.start < 4:
        return
    noise = patch("clouds", stage.rng, size_of(stage, 0, horizon), stage.unit)
    cover = np.clip((noise - np.float32(gap)) * np.float32(1.1), 0, 1)[..., None]
    shade = np.clip(noise * 0.22, 0, 0.45)[..., None]
    body = light(WHITE) + (light(tone(zenith, 0.9)) - light(WHITE)) * shade
    under = stage.colour[rows]
    under[:] = under + (body - under) * (cover * np.float32(0.85))


def hills(stage: Stage, horizon: float) -> None:
    """One or two ridges in front of the sky, paler when far."""
    rng = stage.rng
    for layer in range(int(rng.integers(0, 3))):
        colour = mix(jitter(rng, GREENS[0]), stage.haze, 0.55 - 0.25 * layer)
        x = np.linspace(-0.1, stage.aspect + 0.1, 24)
        height = float(rng.uniform(0.03, 0.13))
        a, b = rng.uniform(0, 6.28, 2)
        ridge = horizon - height * (1 + 0.6 * np.sin(2.2 * x + a) + 0.3 * np.sin(5 * x + b)) / 1.6
        points = [*zip(x, ridge, strict=True), (x[-1], horizon), (x[0], horizon)]
        ground(stage, points, [tone(colour, 1.1), tone(colour, 0.85)], ("leaves", 0.07))


def ground(
    stage: Stage,
    points: Sequence[tuple[float, float]],
    colours: Sequence[Colour],
    texture: tuple[str, float],
    context: int = 0,
) -> None:
    """A textured outline in scene coordinates (y down) that belongs to the ground, not an item."""
    pen = stage.pen(Spot(0, 0, 1))
    pen.ramp(np.asarray(points) * (1, -1), colours)
    pen.shade(stage.rng, *texture, 0.0, stage.unit)
    stage.lay(pen, context=context)
    stage.items.pop()


def meadow(stage: Stage, top: float, bottom: float = 1.0, context: int = MEADOW) -> None:
    rng = stage.rng
    green = jitter(rng, GREENS[int(rng.integers(len(GREENS)))])
    blades = receding("grass", rng, size_of(stage, top, bottom), stage.unit)
    far = mix(green, stage.haze, 0.35)
    paint(stage, top, bottom, [far, green, tone(green, 0.75)], (blades, 0.11), context)
    patches = patch("soft", rng, blades.shape, stage.unit)
    rows = stage.rows(top, bottom)
    stage.colour[rows] = np.clip(stage.colour[rows] * (1 + 0.08 * patches[..., None]), 0, 255)


def plain(stage: Stage, top: float, bottom: float = 1.0) -> None:
    """Earth, sand or gravel."""
    rng = stage.rng
    earth = jitter(rng, EARTHS[int(rng.integers(len(EARTHS)))])
    stones = receding("gravel", rng, size_of(stage, top, bottom), stage.unit)
    paint(
        stage, top, bottom, [mix(earth, stage.haze, 0.3), earth, tone(earth, 0.8)], (stones, 0.09)
    )


def water(stage: Stage, top: float, bottom: float = 1.0) -> None:
    rng = stage.rng
    deep = jitter(rng, ((38, 92, 120), (44, 116, 128), (54, 84, 112))[int(rng.integers(3))])
    waves = receding("waves", rng, size_of(stage, top, bottom), stage.unit)
    far = mix(deep, stage.haze, 0.6)
    paint(stage, top, bottom, [far, deep, tone(deep, 0.75)], (waves, 0.13), WATER)
    rows = stage.rows(top, bottom)
    glints = np.clip(waves - 1.25, 0, 0.8)[..., None] * np.float32(0.8)
    under = stage.colour[rows]
    under[:] = under + (light(mix(stage.haze, WHITE, 0.5)) - under) * glints
