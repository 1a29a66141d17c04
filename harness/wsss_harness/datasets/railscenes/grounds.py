"""What a scene is played on: skies, hills, water, tracks, roads, meadows, rooms."""

from collections.abc import Sequence

import numpy as np

from wsss_harness.datasets.railscenes.colours import WHITE, Colour, jitter, mix, tone
from wsss_harness.datasets.railscenes.noise import FloatMap, patch, receding
from wsss_harness.datasets.railscenes.shapes import box
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
    body = (
        np.float32(WHITE)
        + (np.float32(tone(zenith, 0.9)) - np.float32(WHITE))
        * (np.clip(noise * 0.22, 0, 0.45)[..., None])
    )
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
    under[:] = under + (np.float32(mix(stage.haze, WHITE, 0.5)) - under) * glints


def strip(stage: Stage, middle: float, half: float, slope: float) -> list[tuple[float, float]]:
    """A band across the scene, tilted by ``slope``, in scene coordinates."""
    left, right = -0.1, stage.aspect + 0.1
    rise = [slope * (x - stage.aspect / 2) for x in (left, right)]
    return [
        (left, middle - half + rise[0]), (right, middle - half + rise[1]),
        (right, middle + half + rise[1]), (left, middle + half + rise[0]),
    ]  # fmt: skip


def rails(stage: Stage, middle: float, half: float, slope: float) -> None:
    """Ballast, sleepers and two rails; ``middle`` is where the far rail lies."""
    rng = stage.rng
    stone = jitter(rng, (128, 118, 108), 0.05)
    ground(stage, strip(stage, middle + half * 0.3, half, slope),
           [tone(stone, 1.15), stone, tone(stone, 0.7)], ("gravel", 0.15), RAILS)  # fmt: skip
    pen = stage.pen(Spot(0, 0, 1))
    step, lean = half * 0.62, half * 0.4
    wood = jitter(rng, (84, 64, 50))
    for x in np.arange(-0.1 + step * rng.random(), stage.aspect + 0.1, step):
        y = -(middle + slope * (x - stage.aspect / 2))
        sleeper = [(x, y + half * 0.3), (x + half * 0.22, y + half * 0.3),
                   (x + half * 0.22 - lean, y - half), (x - lean, y - half)]  # fmt: skip
        pen.ramp(sleeper, [tone(wood, 1.2), tone(wood, 0.7)])
    for y, width in ((middle, 0.014), (middle + half * 0.75, 0.02)):
        line = np.array(
            [(x, -(y + slope * (x - stage.aspect / 2))) for x in (-0.1, stage.aspect + 0.1)]
        )
        pen.line(line - (0, width * 0.7), width, (70, 60, 56))
        pen.line(line, width * 0.75, (196, 196, 200))
    stage.lay(pen, context=RAILS)
    stage.items.pop()


def road(stage: Stage, middle: float, half: float, slope: float) -> None:
    rng = stage.rng
    tar = jitter(rng, (92, 94, 98), 0.04)
    ground(stage, strip(stage, middle, half, slope),
           [tone(tar, 1.2), tar, tone(tar, 0.8)], ("gravel", 0.1), ROAD)  # fmt: skip
    pen = stage.pen(Spot(0, 0, 1))

    def stroke(x0: float, x1: float, y: float, width: float, colour: Colour) -> None:
        line = [(x, -(y + slope * (x - stage.aspect / 2))) for x in (x0, x1)]
        pen.line(line, width, colour)

    stroke(-0.1, stage.aspect + 0.1, middle - half, 0.016, (214, 210, 202))
    stroke(-0.1, stage.aspect + 0.1, middle + half, 0.022, (206, 202, 194))
    paint_ = (228, 206, 120) if rng.random() < 0.5 else (222, 222, 216)
    for x in np.arange(-0.3 + 0.3 * rng.random(), stage.aspect, 0.3):
        stroke(x, x + 0.15, middle + half * 0.15, 0.02, paint_)
    stage.lay(pen, context=ROAD)
    stage.items.pop()


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
        stage.glow(float(x), float(y), float(r), np.float32(colour), float(rng.uniform(0.3, 0.8)))
