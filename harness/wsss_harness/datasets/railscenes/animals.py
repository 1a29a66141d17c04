"""Birds, sheep and cats, standing on y = 0 and facing right."""

from collections.abc import Sequence

import numpy as np
from numpy.random import Generator

from wsss_harness.datasets.railscenes.canvas import Pen
from wsss_harness.datasets.railscenes.colours import (
    COATS,
    DARK,
    PAINTS,
    WHITE,
    Colour,
    jitter,
    mix,
    pick,
    shades,
    tone,
)
from wsss_harness.datasets.railscenes.shapes import Points, ellipse, ribbon, rounded, ruffled


def fur(colour: Colour) -> list[Colour]:
    """A coat in the light: bright above, dark below."""
    return shades(colour, 1.22, 1, 0.66)


def bird(pen: Pen, rng: Generator) -> None:
    """Standing, about 1 long."""
    coat, chest, beak = _feathers(rng)
    _tail_feathers(pen, coat)
    for x in (-0.02, 0.08):
        pen.line([(x, 0.2), (x + 0.01, 0.02)], 0.026, tone(beak, 0.7))
        pen.line([(x - 0.05, 0.01), (x + 0.09, 0.01)], 0.024, tone(beak, 0.7))
    _plumage(pen, coat, chest)
    _folded_wing(pen, coat)
    _head(pen, coat, chest, beak)


def flying_bird(pen: Pen, rng: Generator) -> None:
    """Wings up, about 1 long."""
    coat, chest, beak = _feathers(rng)
    _tail_feathers(pen, coat)
    _wing_up(pen, tone(coat, 0.7), 0.1)
    _plumage(pen, coat, chest)
    _wing_up(pen, coat, 0.0)
    _head(pen, coat, chest, beak)


def _feathers(rng: Generator) -> tuple[Colour, Colour, Colour]:
    coat = pick(rng, COATS) if rng.random() < 0.5 else pick(rng, PAINTS)
    chest = mix(coat, WHITE, rng.uniform(0.25, 0.7))
    return coat, chest, jitter(rng, (240, 160, 40))


def _tail_feathers(pen: Pen, coat: Colour) -> None:
    tail = rounded([(-0.22, 0.3), (-0.62, 0.16), (-0.64, 0.26), (-0.26, 0.46)], 1)
    pen.ramp(tail, shades(coat, 0.8, 0.5))


def _plumage(pen: Pen, coat: Colour, chest: Colour) -> None:
    body = rounded(
        [(-0.4, 0.32), (-0.2, 0.5), (0.16, 0.62), (0.34, 0.5), (0.24, 0.22), (-0.06, 0.12)], 2
    )
    pen.ramp(body, fur(coat))
    breast = rounded([(-0.02, 0.15), (0.18, 0.42), (0.3, 0.46), (0.26, 0.24), (0.1, 0.15)], 2)
    pen.ramp(breast, shades(chest, 1.1, 0.8))


def _folded_wing(pen: Pen, coat: Colour) -> None:
    wing = rounded([(-0.5, 0.22), (-0.28, 0.46), (0.08, 0.52), (0.1, 0.34), (-0.1, 0.24)], 2)
    pen.ramp(wing, shades(coat, 0.86, 0.5))
    for k in range(3):
        pen.line(
            [(-0.44 + 0.06 * k, 0.25 + 0.03 * k), (0.0, 0.33 + 0.05 * k)], 0.012, tone(coat, 0.42)
        )


def _wing_up(pen: Pen, coat: Colour, shift: float) -> None:
    wing = [(0.12, 0.44), (0.02, 0.78), (-0.22, 1.02), (-0.2, 0.84), (-0.32, 0.86), (-0.26, 0.7),
            (-0.36, 0.66), (-0.2, 0.4)]  # fmt: skip
    pen.ramp(rounded(np.add(wing, (shift, 0)), 1), shades(coat, 0.6, 0.95))


def _head(pen: Pen, coat: Colour, chest: Colour, beak: Colour) -> None:
    pen.ramp([(0.42, 0.68), (0.42, 0.56), (0.64, 0.59)], shades(beak, 1.15, 0.75))
    pen.ramp(ellipse(0.3, 0.62, 0.17, 0.155), shades(coat, 1.25, 1, 0.85))
    pen.fill(ellipse(0.36, 0.56, 0.09, 0.07), chest)
    pen.fill(ellipse(0.345, 0.65, 0.048, 0.048), WHITE)
    pen.fill(ellipse(0.355, 0.65, 0.03, 0.03), (18, 18, 20))
    pen.fill(ellipse(0.364, 0.66, 0.01, 0.01), WHITE)


def sheep(pen: Pen, rng: Generator) -> None:
    """About 1 long and 0.8 high; grazing or looking up."""
    wool = jitter(rng, (232, 224, 206), 0.04) if rng.random() < 0.6 else pick(rng, COATS)
    skin = jitter(rng, (58, 50, 48)) if rng.random() < 0.6 else jitter(rng, (206, 176, 150))
    grazing = rng.random() < 0.3
    for x, shade in ((-0.22, 0.6), (0.16, 0.6), (-0.3, 1.0), (0.24, 1.0)):
        pen.ramp(ribbon([(x, 0.3), (x, 0.03)], [0.085, 0.07]), shades(skin, shade, shade * 0.7))
        pen.fill(ellipse(x + 0.015, 0.025, 0.05, 0.03), tone(DARK, 0.7))
    pen.ramp(ruffled(ellipse(-0.47, 0.5, 0.07, 0.09), 0.03, 5), shades(wool, 1, 0.7))
    waves = int(rng.integers(13, 18))
    fleece = ruffled(ellipse(-0.03, 0.5, 0.46, 0.3), 0.07, waves, rng.uniform(0, 3))
    pen.ramp(fleece, shades(wool, 1.2, 1, 0.92, 0.6))
    _muzzle(pen, wool, skin, (0.5, 0.34) if grazing else (0.46, 0.64))


def _muzzle(pen: Pen, wool: Colour, skin: Colour, at: tuple[float, float]) -> None:
    x, y = at
    for side, lean in ((-1, 24), (1, -24)):
        pen.fill(ellipse(x + side * 0.15, y + 0.05, 0.075, 0.034, lean), tone(skin, 0.8))
    head = [(-0.12, 0.13), (0.12, 0.13), (0.1, -0.12), (0.05, -0.2), (-0.05, -0.2), (-0.1, -0.12)]
    pen.ramp(rounded(np.asarray(head) + at, 2), shades(skin, 1.15, 1, 0.8))
    pen.ramp(ruffled(ellipse(x, y + 0.13, 0.12, 0.065), 0.035, 7), shades(wool, 1.15, 0.85))
    for side in (-1, 1):
        pen.fill(ellipse(x + side * 0.055, y + 0.025, 0.03, 0.03), WHITE)
        pen.fill(ellipse(x + side * 0.053, y + 0.02, 0.017, 0.02), (14, 14, 16))
        pen.fill(ellipse(x + side * 0.025, y - 0.13, 0.012, 0.016), tone(skin, 0.4))


Stripes = Sequence[tuple[float, float, float]]  # x, y and lean in degrees

PINK: Colour = (226, 146, 140)
EYES: tuple[Colour, ...] = ((150, 206, 60), (224, 186, 50), (90, 170, 200))


def cat(pen: Pen, rng: Generator) -> None:
    """Sitting about 1 high, lying about 1 long, or standing about 1 long."""
    coat = pick(rng, COATS)
    belly = mix(coat, WHITE, rng.uniform(0.2, 0.7))
    eyes = EYES[rng.integers(3)]
    pose = rng.random()
    if pose < 0.5:
        _sitting(pen, rng, coat, belly)
        face(pen, coat, belly, eyes, (0.02, 0.79), 0.23)
    elif pose < 0.78:
        _lying(pen, rng, coat, belly)
        face(pen, coat, belly, eyes, (0.36, 0.36), 0.19)
    else:
        _standing(pen, rng, coat, belly)
        face(pen, coat, belly, eyes, (0.4, 0.63), 0.17)


def face(
    pen: Pen, coat: Colour, belly: Colour, eyes: Colour, at: tuple[float, float], size: float
) -> None:
    """A cat's face around ``at``; ``size`` is half its width."""

    def place(points: Points | list[tuple[float, float]]) -> Points:
        return np.asarray(points) * size + at

    for side in (-1, 1):
        pen.ramp(place([(side * 0.95, 0.3), (side * 0.82, 1.25), (side * 0.2, 0.72)]), fur(coat))
        pen.fill(place([(side * 0.82, 0.45), (side * 0.76, 1.02), (side * 0.36, 0.68)]), PINK)
    pen.ramp(place(ruffled(ellipse(0, 0, 1, 0.84), 0.06, 14)), fur(coat))
    pen.fill(place(ellipse(0, -0.38, 0.46, 0.34)), belly)
    for side in (-1, 1):
        pen.fill(place(ellipse(side * 0.42, 0.12, 0.26, 0.25)), tone(coat, 0.35))
        pen.ramp(place(ellipse(side * 0.42, 0.12, 0.215, 0.215)), shades(eyes, 1.3, 0.8))
        pen.fill(place(ellipse(side * 0.42, 0.12, 0.075, 0.19)), (16, 18, 16))
        pen.fill(place(ellipse(side * 0.42 + 0.07, 0.2, 0.05, 0.05)), WHITE)
        for y in (-0.32, -0.44):
            pen.line(
                place([(side * 0.3, -0.36), (side * 1.25, y + 0.06)]), 0.008, mix(coat, WHITE, 0.75)
            )
    pen.fill(place([(-0.13, -0.2), (0.13, -0.2), (0, -0.36)]), PINK)
    pen.line(
        place([(-0.22, -0.46), (-0.1, -0.54), (0, -0.38), (0.1, -0.54), (0.22, -0.46)]),
        0.01,
        tone(coat, 0.4),
    )


def _tail(pen: Pen, coat: Colour, spine: list[tuple[float, float]]) -> None:
    line = np.asarray(spine)
    steps = np.linspace(0, len(line) - 1, 14)
    bent = np.stack([np.interp(steps, np.arange(len(line)), line[:, k]) for k in (0, 1)], 1)
    bent[1:-1] = (bent[:-2] + 2 * bent[1:-1] + bent[2:]) / 4
    pen.ramp(rounded(ribbon(bent, [0.11] * 12 + [0.1, 0.05]), 1), shades(coat, 0.9, 0.7))


def _trunk(
    pen: Pen, rng: Generator, coat: Colour, outline: list[tuple[float, float]], stripes: Stripes
) -> None:
    """The trunk of a cat; half of all cats have stripes."""
    pen.ramp(ruffled(rounded(outline, 2), 0.02, 26), fur(coat))
    for x, y, lean in stripes if rng.random() < 0.5 else ():
        pen.fill(ellipse(x, y, 0.022, 0.085, lean), tone(coat, 0.62))


def _sitting(pen: Pen, rng: Generator, coat: Colour, belly: Colour) -> None:
    _tail(pen, coat, [(0.16, 0.08), (0.4, 0.07), (0.52, 0.2), (0.46, 0.4), (0.54, 0.5)])
    body = [(-0.3, 0), (-0.34, 0.26), (-0.2, 0.62), (0.2, 0.62), (0.36, 0.26), (0.32, 0)]
    stripes = [(s * (0.25 - 0.05 * k), 0.2 + 0.14 * k, s * -24) for s in (-1, 1) for k in range(3)]
    _trunk(pen, rng, coat, body, stripes)
    pen.ramp(ellipse(0.0, 0.34, 0.15, 0.25), shades(belly, 1.1, 0.85))
    for side in (-1, 1):
        pen.ramp(ellipse(side * 0.21, 0.14, 0.13, 0.16, side * 12), shades(coat, 1, 0.72))
        pen.ramp(ellipse(side * 0.1, 0.03, 0.1, 0.045), shades(belly, 1, 0.75))


def _lying(pen: Pen, rng: Generator, coat: Colour, belly: Colour) -> None:
    _tail(pen, coat, [(-0.4, 0.1), (-0.58, 0.06), (-0.66, 0.14), (-0.6, 0.26)])
    body = [(-0.52, 0), (-0.52, 0.3), (-0.2, 0.46), (0.3, 0.4), (0.5, 0.16), (0.48, 0)]
    stripes = [(-0.32, 0.32, 20), (-0.18, 0.36, 8), (-0.04, 0.36, 0), (0.1, 0.33, -8)]
    _trunk(pen, rng, coat, body, stripes)
    pen.ramp(ellipse(-0.3, 0.13, 0.2, 0.14, 10), shades(coat, 1, 0.72))
    for x in (0.22, 0.46):
        pen.ramp(ellipse(x, 0.04, 0.14, 0.05), shades(belly, 1, 0.75))


def _standing(pen: Pen, rng: Generator, coat: Colour, belly: Colour) -> None:
    _tail(pen, coat, [(-0.36, 0.5), (-0.52, 0.58), (-0.58, 0.76), (-0.5, 0.92)])
    for x, shade in ((-0.26, 0.6), (0.16, 0.6), (-0.34, 0.85), (0.25, 0.85)):
        pen.ramp(ribbon([(x, 0.34), (x - 0.01, 0.15), (x + 0.03, 0.02)], [0.16, 0.1, 0.12]),
                 shades(coat, shade, shade * 0.85))  # fmt: skip
        pen.fill(ellipse(x + 0.04, 0.025, 0.075, 0.035), tone(belly, shade))
    body = [(-0.46, 0.24), (-0.46, 0.52), (-0.2, 0.6), (0.3, 0.62), (0.42, 0.4), (0.3, 0.22)]
    stripes = [(-0.3, 0.48, 12), (-0.16, 0.5, 4), (-0.02, 0.5, 0), (0.12, 0.5, -4)]
    _trunk(pen, rng, coat, body, stripes)
