"""Trains and cars on y = 0, boats with the waterline at y = 0, aeroplanes about the origin.

All are seen from the side and face right.
"""

from itertools import pairwise

import numpy as np
from numpy.random import Generator

from wsss_harness.datasets.railscenes.canvas import Pen
from wsss_harness.datasets.railscenes.colours import (
    DARK,
    GLASS,
    LAMP,
    PAINTS,
    RED,
    STEEL,
    WHITE,
    Colour,
    jitter,
    mix,
    pick,
    shades,
    tone,
)
from wsss_harness.datasets.railscenes.shapes import box, ellipse, panel, rounded

Outline = list[tuple[float, float]]

WAGON = 1.5  # length of a wagon in train heights
REAR: Outline = [(-0.5, 0.1), (-0.505, 0.22)]
FRONT: Outline = [(0.5, 0.2), (0.505, 0.1)]


def _wheel(pen: Pen, x: float, radius: float = 0.09) -> None:
    pen.fill(ellipse(x, radius, radius, radius), (30, 30, 34))
    pen.ramp(ellipse(x, radius, radius * 0.62, radius * 0.62), [(206, 208, 212), (104, 108, 116)])
    pen.fill(ellipse(x, radius, radius * 0.22, radius * 0.22), (52, 54, 60))


def train(pen: Pen, rng: Generator) -> None:
    """1 high; the head ends at x = 1.4, wagons follow to the left, out of the frame."""
    paint, front = pick(rng, PAINTS), pick(rng, PAINTS)
    trim = jitter(rng, WHITE) if rng.random() < 0.6 else pick(rng, PAINTS)
    blunt, plain = rng.random() < 0.4, rng.random() < 0.35
    for k in range(rng.integers(1, 4)):
        right = -0.1 - k * (WAGON + 0.04)
        pen.fill(box(right - 0.02, 0.25, right + 0.06, 0.85), (40, 40, 44))
        _carriage(pen, paint, right - WAGON, right)
        _fittings(pen, trim, right - WAGON, right, plain)
    end = 1.36 if blunt else 1.02
    _carriage(pen, paint, -0.06, end)
    _fittings(pen, trim, -0.06, end - 0.1 if blunt else end, plain)
    _nose(pen, front if rng.random() < 0.7 else paint, blunt)


def _carriage(pen: Pen, paint: Colour, left: float, right: float) -> None:
    pen.fill(box(left + 0.08, 0.1, right - 0.08, 0.22), (46, 46, 50))
    for x in (left + 0.25, left + 0.5, right - 0.5, right - 0.25):
        _wheel(pen, x)
    side = shades(paint, 0.72, 1.32, 1.06, 1, 0.92, 0.62)
    pen.ramp(panel(left, 0.18, right, 0.98, 0.04), side)


def _fittings(pen: Pen, trim: Colour, left: float, right: float, plain: bool) -> None:
    """Roof, stripe, and seams if ``plain``, else windows and doors."""
    pen.ramp(box(left + 0.02, 0.9, right - 0.02, 0.97), [(170, 172, 176), (104, 106, 112)])
    pen.fill(box(left, 0.36, right, 0.42), trim)
    if plain:
        for x in np.arange(left + 0.2, right - 0.1, 0.22):
            pen.line([(x, 0.22), (x, 0.88)], 0.012, tone(trim, 0.45))
        return
    slots = np.linspace(left + 0.12, right - 0.12, 6)
    windows = [panel(a + 0.03, 0.54, b - 0.03, 0.78, 0.03) for a, b in pairwise(slots)]
    for window in windows[1:4]:
        pen.ramp(window, shades(GLASS, 0.55, 1, 1.25))
    for door in (windows[0], windows[4]):
        x0, x1 = door[:, 0].min(), door[:, 0].max()
        pen.fill(box(x0, 0.24, x1, 0.84), tone(trim, 0.82))
        pen.fill(box(x0 + 0.03, 0.52, x1 - 0.03, 0.78), tone(GLASS, 0.8))


def _nose(pen: Pen, front: Colour, blunt: bool) -> None:
    if blunt:
        face = panel(1.02, 0.14, 1.4, 1.0, 0.07)
        glass = panel(1.1, 0.58, 1.37, 0.86, 0.03)
    else:
        slope = [(0.9, 0.14), (1.38, 0.14), (1.44, 0.3), (1.3, 0.56), (1.1, 0.98), (0.9, 0.98)]
        face = rounded(slope, 1)
        glass = np.array([(1.06, 0.6), (1.24, 0.6), (1.11, 0.88), (1.02, 0.88)])
    pen.ramp(face, shades(front, 1.25, 1, 0.66))
    pen.ramp(glass, shades(GLASS, 0.45, 1.35), (1.0, -0.5))
    pen.fill(panel(1.06, 0.12, 1.42, 0.2, 0.03), (44, 44, 48))
    for x in (1.34, 1.16):
        pen.fill(ellipse(x, 0.34, 0.062, 0.062), tone(front, 0.5))
        pen.ramp(ellipse(x, 0.34, 0.045, 0.045), [WHITE, LAMP])
    pen.fill(ellipse(1.25, 0.34, 0.03, 0.03), RED)


def car(pen: Pen, rng: Generator) -> None:
    """1 long, about 0.4 high."""
    paint = pick(rng, PAINTS)
    roof = rng.uniform(0.37, 0.42)
    body, cabin = _outlines(int(rng.integers(3)), roof)
    pen.fill(box(-0.44, 0.07, 0.45, 0.14), (36, 36, 40))
    pen.ramp(rounded(body, 2), shades(paint, 1.4, 1.08, 1, 0.58))
    _windows(pen, cabin)
    _trim(pen, paint)
    for x in (-0.3, 0.29):
        pen.fill(ellipse(x, 0.105, 0.112, 0.112), tone(paint, 0.34))
        _wheel(pen, x)


def _outlines(kind: int, roof: float) -> tuple[Outline, Outline]:
    """Body and cabin of a saloon (0), a hatchback (1) or a van (2)."""
    if kind == 0:
        body = [*REAR, (-0.47, 0.265), (-0.35, 0.275), (-0.23, roof), (0.07, roof), (0.2, 0.275)]
        low, high = 0.265, roof - 0.025
        cabin = [(-0.32, low), (-0.21, high), (0.055, high), (0.165, low)]
        return [*body, (0.43, 0.25), *FRONT], cabin
    if kind == 1:
        body = [*REAR, (-0.475, 0.29), (-0.38, roof + 0.02), (0.04, roof + 0.02), (0.2, 0.285)]
        low, high = 0.275, roof - 0.01
        cabin = [(-0.43, low), (-0.36, high), (0.03, high), (0.165, low)]
        return [*body, (0.44, 0.25), *FRONT], cabin
    roof += 0.04
    body = [(-0.5, 0.1), (-0.505, roof), (-0.46, roof + 0.03), (0.16, roof + 0.03), (0.34, 0.27)]
    cabin = [(0.0, 0.28), (0.0, roof), (0.13, roof), (0.29, 0.28)]
    return [*body, (0.47, 0.23), (0.505, 0.1)], cabin


def _windows(pen: Pen, cabin: Outline) -> None:
    pen.fill(cabin, (40, 44, 52))
    centre = float(np.mean([x for x, _ in cabin]))
    inner = np.add(np.multiply(cabin, (0.94, 1)), (0.06 * centre, 0))
    pen.ramp(inner, [mix(GLASS, WHITE, 0.55), *shades(GLASS, 1.1, 0.6)], (-0.6, -1.0))
    low, high = inner[:, 1].min(), inner[:, 1].max()
    middle = float(inner[:, 0].mean())
    pen.fill(box(middle - 0.012, low, middle + 0.012, high), (40, 44, 52))


def _trim(pen: Pen, paint: Colour) -> None:
    for x in (-0.14, 0.1):
        pen.line([(x, 0.12), (x, 0.26)], 0.006, tone(paint, 0.5))
    pen.line([(-0.47, 0.2), (0.46, 0.2)], 0.008, tone(paint, 0.7))
    pen.fill(panel(0.02, 0.225, 0.07, 0.238, 0.005), tone(paint, 0.45))
    for left, right in ((0.4, 0.52), (-0.52, -0.42)):
        pen.fill(panel(left, 0.085, right, 0.13, 0.02), STEEL)
    pen.fill(ellipse(0.468, 0.195, 0.034, 0.03), DARK)
    pen.ramp(ellipse(0.47, 0.195, 0.027, 0.024), [WHITE, LAMP])
    pen.fill(panel(-0.505, 0.18, -0.47, 0.235, 0.012), RED)


FUSELAGE = [
    (0.53, -0.02), (0.5, 0.045), (0.4, 0.085), (-0.3, 0.085), (-0.52, 0.06), (-0.54, 0.035),
    (-0.3, -0.07), (0.36, -0.085), (0.5, -0.065),
]  # fmt: skip


def aeroplane(pen: Pen, rng: Generator) -> None:
    """About 1.1 long."""
    paint = jitter(rng, WHITE) if rng.random() < 0.35 else pick(rng, PAINTS)
    fin = pick(rng, PAINTS)
    metal = mix(paint, STEEL, 0.6)
    if rng.random() < 0.65:
        _airliner(pen, paint, fin, metal)
    else:
        _light_plane(pen, paint, fin, metal)


def _body(pen: Pen, paint: Colour, points: Outline) -> None:
    pen.ramp(rounded(points, 2), shades(paint, 0.86, 1.4, 1.1, 1, 0.55))


def _airliner(pen: Pen, paint: Colour, fin: Colour, metal: Colour) -> None:
    pen.ramp([(0.04, 0.02), (-0.08, 0.02), (-0.22, 0.2), (-0.15, 0.2)], shades(metal, 0.75, 1))
    pen.ramp(_fin(0.3), shades(fin, 1.2, 1, 0.7))
    _body(pen, paint, FUSELAGE)
    pen.ramp([(-0.33, 0.03), (-0.45, 0.045), (-0.6, 0.1), (-0.5, 0.03)], shades(fin, 1, 0.6))
    portholes = [ellipse(x, 0.03, 0.011, 0.016) for x in np.arange(-0.34, 0.36, 0.055)]
    pen.fill_all(portholes, tone(GLASS, 0.6))
    pen.fill([(0.51, 0.02), (0.4, 0.015), (0.395, 0.055), (0.465, 0.06)], DARK)
    pen.line([(-0.46, -0.01), (0.49, -0.025)], 0.012, fin)
    pen.ramp(rounded([(0.13, -0.15), (-0.06, -0.15), (-0.06, -0.07), (0.13, -0.07)], 1),
             shades(metal, 1.3, 0.5))  # fmt: skip
    pen.fill(ellipse(0.115, -0.11, 0.014, 0.034), DARK)
    wing = [(0.12, -0.03), (-0.1, -0.04), (-0.42, -0.33), (-0.31, -0.33)]
    pen.ramp(wing, shades(metal, 1.25, 1, 0.65))
    pen.fill([(-0.31, -0.33), (-0.42, -0.33), (-0.385, -0.3), (-0.29, -0.31)], RED)


def _fin(height: float) -> Outline:
    return [(-0.3, 0.07), (-0.5, 0.05), (-0.61, height), (-0.5, height)]


def _light_plane(pen: Pen, paint: Colour, fin: Colour, metal: Colour) -> None:
    hull = [
        (0.4, -0.04), (0.4, 0.05), (0.24, 0.08), (0.14, 0.16), (-0.06, 0.16), (-0.2, 0.08),
        (-0.5, 0.05), (-0.52, 0.0), (-0.1, -0.11), (0.3, -0.11),
    ]  # fmt: skip
    for x in (0.3, -0.02):
        pen.line([(x, -0.08), (x + 0.03, -0.18)], 0.018, tone(metal, 0.6))
        pen.fill(ellipse(x + 0.03, -0.19, 0.045, 0.045), DARK)
    pen.ramp(_fin(0.24), shades(fin, 1.2, 0.75))
    _body(pen, paint, hull)
    pen.ramp([(0.22, 0.085), (0.12, 0.145), (-0.04, 0.145), (-0.1, 0.075)],
             [mix(GLASS, WHITE, 0.6), tone(GLASS, 0.6)])  # fmt: skip
    pen.fill(box(0.045, 0.07, 0.06, 0.15), tone(paint, 0.7))
    pen.line([(-0.48, 0.03), (0.38, 0.0)], 0.025, fin)
    pen.ramp([(-0.36, 0.05), (-0.48, 0.05), (-0.62, 0.0), (-0.53, -0.02)], shades(fin, 1, 0.6))
    wing = [(0.2, 0.17), (-0.02, 0.19), (-0.32, -0.2), (-0.14, -0.22)]
    pen.ramp(wing, shades(paint, 1.3, 1, 0.65))
    pen.fill(rounded([(0.4, -0.05), (0.4, 0.06), (0.48, 0.01)], 1), fin)
    pen.fill(ellipse(0.47, 0.0, 0.012, 0.15, -8), (70, 66, 66))


def boat(pen: Pen, rng: Generator) -> None:
    """About 1 long."""
    paint = pick(rng, PAINTS)
    trim = jitter(rng, WHITE) if rng.random() < 0.6 else pick(rng, PAINTS)
    kind = rng.random()
    if kind < 0.5:
        _sails(pen, rng)
        _hull(pen, paint, trim, 0.17)
    elif kind < 0.8:
        _hull(pen, paint, trim, 0.22)
        _wheelhouse(pen, trim, pick(rng, PAINTS))
    else:
        _yacht(pen, trim, paint)


def _hull(pen: Pen, paint: Colour, trim: Colour, height: float) -> None:
    hull = [(-0.47, height), (-0.4, -0.05), (0.36, -0.05), (0.46, 0.06), (0.56, height + 0.05)]
    pen.ramp(hull, shades(paint, 1.25, 1, 0.6))
    pen.line([(-0.465, height - 0.015), (0.0, height - 0.03), (0.545, height + 0.03)], 0.03, trim)
    pen.fill([(-0.415, 0.0), (-0.4, -0.05), (0.36, -0.05), (0.41, 0.0)], tone(RED, 0.6))


def _sails(pen: Pen, rng: Generator) -> None:
    height = rng.uniform(0.85, 1.1)
    cloth = jitter(rng, (238, 232, 214)) if rng.random() < 0.7 else tone(pick(rng, PAINTS), 1.25)
    mast = rng.uniform(0.0, 0.12)
    pen.line([(mast, 0.12), (mast, height + 0.02)], 0.03, (92, 64, 44))
    back, fore = mast - 0.025, mast + 0.03
    main = [(back, 0.22), (back, height), (-0.2, 0.62), (-0.36, 0.36), (-0.44, 0.22)]
    pen.ramp(main, shades(cloth, 1.2, 1, 0.74), (-1.0, -0.4))
    jib = [(fore, 0.22), (fore, height * 0.93), (0.3, 0.56), (0.46, 0.34), (0.52, 0.22)]
    pen.ramp(jib, shades(cloth, 0.8, 1, 1.2), (1.0, 0.4))
    for y in (0.42, 0.6):
        pen.line([(mast - 0.03, y), (-0.42 + 0.62 * (y - 0.22), y - 0.02)], 0.008, tone(cloth, 0.7))
    pen.fill([(mast, height + 0.09), (mast, height), (mast - 0.13, height + 0.04)], RED)


def _wheelhouse(pen: Pen, trim: Colour, band: Colour) -> None:
    pen.ramp(box(-0.3, 0.2, 0.26, 0.42), shades(trim, 1.1, 0.78))
    pen.ramp(box(-0.06, 0.42, 0.22, 0.6), shades(trim, 1.1, 0.8))
    pen.fill(box(-0.09, 0.59, 0.26, 0.625), tone(band, 0.8))
    pen.ramp(box(-0.24, 0.42, -0.11, 0.7), shades(band, 1, 0.7), (1.0, 0.0))
    pen.fill(box(-0.24, 0.56, -0.11, 0.62), WHITE)
    pen.fill_all([box(x, 0.47, x + 0.07, 0.55) for x in (-0.03, 0.06, 0.14)], tone(GLASS, 0.6))
    portholes = [ellipse(x, 0.32, 0.028, 0.028) for x in (-0.22, -0.1, 0.02, 0.14)]
    pen.fill_all(portholes, tone(GLASS, 0.5))
    pen.line([(0.3, 0.24), (0.3, 0.74)], 0.02, (80, 70, 66))
    pen.fill([(0.3, 0.74), (0.3, 0.65), (0.17, 0.695)], RED)


def _yacht(pen: Pen, trim: Colour, paint: Colour) -> None:
    hull = [(-0.5, 0.2), (-0.46, -0.05), (0.3, -0.05), (0.44, 0.06), (0.6, 0.24)]
    pen.ramp(rounded(hull, 1), shades(trim, 1.15, 1, 0.62))
    pen.line([(-0.46, 0.12), (0.46, 0.14)], 0.04, paint)
    pen.ramp([(-0.36, 0.2), (-0.32, 0.36), (0.12, 0.36), (0.3, 0.22)], shades(trim, 1, 0.8))
    pen.ramp([(-0.3, 0.24), (-0.28, 0.33), (0.1, 0.33), (0.22, 0.24)],
             shades(GLASS, 1.2, 0.5))  # fmt: skip
    pen.ramp([(-0.28, 0.36), (-0.24, 0.47), (-0.02, 0.47), (0.08, 0.36)], shades(trim, 1, 0.75))
    pen.fill(panel(-0.3, 0.46, 0.02, 0.49, 0.012), tone(paint, 0.8))
    pen.line([(-0.44, 0.2), (-0.5, 0.4)], 0.016, STEEL)
    pen.fill([(-0.5, 0.4), (-0.47, 0.31), (-0.62, 0.33)], RED)
