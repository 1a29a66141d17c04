"""Indoor distractors, standing on y = 0 and about 1 high."""

import numpy as np
from numpy.random import Generator

from wsss_harness.datasets.railscenes.colours import (
    COATS,
    PAINTS,
    WHITE,
    jitter,
    mix,
    pick,
    shades,
    tone,
)
from wsss_harness.datasets.railscenes.outdoors import CLAY, LEAF
from wsss_harness.datasets.railscenes.pen import Pen
from wsss_harness.datasets.railscenes.shapes import box, ellipse, panel, ribbon, rounded


def waste_bin(pen: Pen, rng: Generator) -> None:
    paint = pick(rng, PAINTS)
    pen.ramp(
        [(-0.26, 0), (0.26, 0), (0.33, 0.8), (-0.33, 0.8)], shades(paint, 0.7, 1.2, 0.6), (1.0, 0.0)
    )
    for x in (-0.18, 0.0, 0.18):
        pen.line([(x * 0.85, 0.06), (x, 0.74)], 0.02, tone(paint, 0.55))
    pen.ramp(panel(-0.38, 0.78, 0.38, 0.9, 0.05), shades(paint, 1.3, 0.7))


def ball(pen: Pen, rng: Generator) -> None:
    base, accent = pick(rng, PAINTS), pick(rng, (*PAINTS, WHITE))
    pen.ramp(ellipse(0, 0.5, 0.5, 0.5), shades(base, 1.35, 1, 0.5), (0.6, -1.0))
    stripe = rounded(
        [(-0.48, 0.42), (0.0, 0.3), (0.48, 0.42), (0.48, 0.62), (0.0, 0.5), (-0.48, 0.62)], 1
    )
    pen.ramp(stripe, shades(accent, 1.2, 0.6), (0.6, -1.0))
    pen.fill(ellipse(-0.18, 0.74, 0.1, 0.07, 30), tone(base, 1.7))


def plant(pen: Pen, rng: Generator) -> None:
    leaf, pot = jitter(rng, LEAF, 0.1), jitter(rng, CLAY)
    for degrees in np.linspace(-65, 65, 7) + rng.uniform(-8, 8, 7):
        lean = np.radians(degrees)
        tip = (0.52 * np.sin(lean), 0.36 + 0.6 * np.cos(lean))
        blade = ribbon(
            [(0, 0.34), (tip[0] * 0.6, 0.3 + 0.7 * (tip[1] - 0.3)), tip], [0.06, 0.14, 0.01]
        )
        pen.ramp(rounded(blade, 1), shades(leaf, 1.2, 0.6))
    pen.ramp([(-0.17, 0), (0.17, 0), (0.23, 0.32), (-0.23, 0.32)],
             shades(pot, 1.15, 1, 0.6), (1.0, 0.0))  # fmt: skip
    pen.ramp(box(-0.26, 0.3, 0.26, 0.39), shades(pot, 1.25, 0.7), (1.0, -0.2))


def books(pen: Pen, rng: Generator) -> None:
    bottom = 0.0
    for _ in range(4):
        cover, shift = pick(rng, PAINTS), rng.uniform(-0.08, 0.08)
        top, half = bottom + rng.uniform(0.13, 0.2), rng.uniform(0.42, 0.55)
        pen.ramp(box(shift - half, bottom, shift + half, top), shades(cover, 1.2, 0.7))
        pen.fill(box(shift - half + 0.3, bottom + 0.03, shift + half, top - 0.03), (226, 218, 198))
        bottom = top


def vase(pen: Pen, rng: Generator) -> None:
    """A bulging jar: the body of a bottle without cap and label."""
    glaze = pick(rng, PAINTS)
    right = [(0.16, 0.0), (0.34, 0.3), (0.28, 0.62), (0.12, 0.8), (0.2, 0.98)]
    outline = rounded([(-x, y) for x, y in right[::-1]] + right, 2)
    pen.ramp(outline, shades(glaze, 0.6, 1.35, 1, 0.5), (1.0, 0.0))
    pen.line([(-0.3, 0.4), (0.0, 0.37), (0.3, 0.4)], 0.05, mix(glaze, WHITE, 0.6))


def cushion(pen: Pen, rng: Generator) -> None:
    cloth = pick(rng, (*COATS, *PAINTS))
    half = [(-0.62, 0.0), (0.0, 0.04), (0.62, 0.0), (0.54, 0.4)]
    outline = rounded([*half, (0.62, 0.8), (0.0, 0.72), (-0.62, 0.8), (-0.54, 0.4)], 2)
    pen.ramp(outline, shades(cloth, 1.2, 1, 0.55))


def picture(pen: Pen, rng: Generator) -> None:
    frame, sky = pick(rng, PAINTS), pick(rng, PAINTS)
    pen.ramp(box(-0.6, 0, 0.6, 1.0), shades(frame, 1.2, 0.7))
    pen.ramp(box(-0.5, 0.1, 0.5, 0.9), shades(sky, 1.6, 1.2))
    pen.ramp([(-0.5, 0.1), (0.5, 0.1), (0.5, 0.4), (0.1, 0.62), (-0.5, 0.3)], shades(LEAF, 1, 0.6))
