"""Contexts that are objects: sofas, tables and branches."""

import numpy as np
from numpy.random import Generator

from wsss_harness.datasets.railscenes.colours import COATS, PAINTS, WOOD, jitter, pick, shades, tone
from wsss_harness.datasets.railscenes.outdoors import LEAF
from wsss_harness.datasets.railscenes.pen import Pen
from wsss_harness.datasets.railscenes.shapes import box, panel, ribbon, rounded, turned


def sofa(pen: Pen, rng: Generator) -> None:
    """1.5 wide, about 0.75 high, standing on y = 0; the seat is at 0.34."""
    cloth = pick(rng, (*PAINTS, *COATS))
    for x in (-0.62, 0.62):
        pen.fill(box(x - 0.03, -0.02, x + 0.03, 0.1), tone(WOOD, 0.6))
    pen.ramp(panel(-0.68, 0.2, 0.68, 0.78, 0.1), shades(cloth, 1.15, 1, 0.7))
    for x in (-0.3, 0.3):
        pen.ramp(panel(x - 0.27, 0.32, x + 0.27, 0.72, 0.06), shades(cloth, 1.2, 0.85))
        pen.ramp(panel(x - 0.29, 0.22, x + 0.29, 0.38, 0.05), shades(cloth, 1.3, 0.75))
    pen.ramp(box(-0.62, 0.06, 0.62, 0.24), shades(cloth, 0.8, 0.55))
    for x in (-0.68, 0.68):
        pen.ramp(panel(x - 0.1, 0.05, x + 0.1, 0.5, 0.09), shades(cloth, 1.2, 1, 0.6))


def table(pen: Pen, rng: Generator) -> None:
    """2 wide; the top's front edge is at y = 0, its back edge at 0.3."""
    wood = jitter(rng, WOOD if rng.random() < 0.7 else (196, 184, 164), 0.1)
    for x in (-0.86, 0.86):
        pen.ramp(box(x - 0.06, -0.9, x + 0.06, -0.05), shades(wood, 0.7, 0.45))
    pen.ramp([(-1, 0), (1, 0), (0.84, 0.3), (-0.84, 0.3)], shades(wood, 0.9, 1.25))
    pen.ramp(box(-1, -0.11, 1, 0), shades(wood, 0.75, 0.5))


def branch(pen: Pen, rng: Generator) -> None:
    """2 wide around y = 0, with leaves hanging from it."""
    wood = jitter(rng, (104, 82, 62), 0.06)
    x = np.linspace(-1.1, 1.1, 12)
    y = 0.04 * np.sin(3 * x + rng.uniform(0, 6)) - 0.02
    twigs = ((-0.5, 0.24), (0.45, 0.3), (0.1, -0.2))
    for start, rise in twigs:
        spine = [(start, 0), (start + 0.14, rise * 0.6), (start + 0.32, rise)]
        pen.ramp(ribbon(spine, [0.05, 0.035, 0.01]), shades(wood, 1.1, 0.7))
        _leaves(pen, rng, start + 0.25, rise * 0.9)
    thick = np.linspace(0.16, 0.09, 12)
    pen.ramp(ribbon(np.stack([x, y], 1), list(thick)), shades(wood, 1.4, 1, 0.5))
    for start in rng.uniform(-0.9, 0.9, 2):
        _leaves(pen, rng, float(start), -0.08)


def _leaves(pen: Pen, rng: Generator, x: float, y: float) -> None:
    for dx, dy, lean in rng.uniform((-0.12, -0.12, 0), (0.12, 0.12, 180), (6, 3)):
        green = jitter(rng, LEAF, 0.05)
        tip, end = np.add(turned([(-0.09, 0), (0.09, 0)], lean), (x + dx, y + dy))
        sides = np.add(turned([(-0.02, 0.035), (-0.02, -0.035)], lean), (x + dx, y + dy))
        blade = rounded([tip, sides[0], end, sides[1]], 2)
        pen.ramp(blade, shades(green, 1.3, 0.7))
        pen.line([tip, end], 0.006, tone(green, 0.55))
