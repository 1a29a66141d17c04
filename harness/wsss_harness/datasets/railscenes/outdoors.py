"""Branches, and outdoor distractors on y = 0, about 1 high."""

import numpy as np
from numpy.random import Generator

from wsss_harness.datasets.railscenes.canvas import Pen
from wsss_harness.datasets.railscenes.colours import (
    CLAY,
    COATS,
    DARK,
    GLASS,
    LAMP,
    LEAF,
    PAINTS,
    STEEL,
    WHITE,
    WOOD,
    jitter,
    mix,
    pick,
    shades,
    tone,
)
from wsss_harness.datasets.railscenes.shapes import (
    box,
    ellipse,
    panel,
    ribbon,
    rounded,
    ruffled,
    turned,
)


def tree(pen: Pen, rng: Generator) -> None:
    leaf = jitter(rng, LEAF, 0.12)
    pen.ramp(ribbon([(0, 0), (0.01, 0.5)], [0.1, 0.06]), shades(WOOD, 0.9, 0.6))
    if rng.random() < 0.4:
        for k in range(4):
            low, half = 0.16 + 0.19 * k, 0.32 - 0.065 * k
            tier = [(-half, low), (half, low), (half * 0.2, low + 0.34), (-half * 0.2, low + 0.34)]
            pen.ramp(tier, shades(leaf, 0.95, 0.55), (0.5, -1.0))
        return
    for _ in range(5):
        x, y, r = rng.uniform(-0.2, 0.2), rng.uniform(0.45, 0.82), rng.uniform(0.15, 0.24)
        crown = ruffled(ellipse(x, y, r, r * 0.9), 0.05, 9)
        pen.ramp(crown, shades(leaf, 1.2, 1, 0.55))


def bush(pen: Pen, rng: Generator) -> None:
    """Low and wide, with blossoms."""
    leaf, petal = jitter(rng, LEAF, 0.12), pick(rng, PAINTS)
    for x, r in ((-0.35, 0.27), (0.34, 0.25), (0.0, 0.36)):
        crown = ruffled(ellipse(x, r * 0.8, r, r * 0.85), 0.05, 11)
        pen.ramp(crown, shades(leaf, 1.15, 1, 0.5))
    spots = rng.uniform((-0.45, 0.1), (0.45, 0.5), (9, 2))
    pen.fill_all([ellipse(x, y, 0.03, 0.03) for x, y in spots], petal)


def building(pen: Pen, rng: Generator) -> None:
    wall, half = pick(rng, (*COATS, *PAINTS)), rng.uniform(0.35, 0.7)
    pen.ramp(box(-half, 0, half, 0.86), shades(wall, 1.1, 1, 0.72), (1.0, -0.3))
    if rng.random() < 0.5:
        roof = [(-half - 0.06, 0.82), (half + 0.06, 0.82), (half * 0.6, 1.12), (-half * 0.6, 1.12)]
        pen.ramp(roof, shades(CLAY, 1.1, 0.7))
    panes = [
        box(x - 0.055, y, x + 0.055, y + 0.15)
        for x in np.linspace(-half + 0.14, half - 0.14, max(2, int(half * 7)))
        for y in 0.14 + 0.23 * np.arange(3)
    ]
    pen.fill_all(panes, mix(tone(GLASS, 0.75), LAMP, 0.7 if rng.random() < 0.2 else 0.0))


def balloon(pen: Pen, rng: Generator) -> None:
    base, accent = pick(rng, PAINTS), pick(rng, (*PAINTS, WHITE))
    for x in (-0.09, 0.09):
        pen.line([(x * 2, 0.42), (x, 0.14)], 0.014, DARK)
    pen.ramp(panel(-0.1, 0.0, 0.1, 0.15, 0.03), shades(WOOD, 1, 0.6))
    envelope = [(-0.1, 0.28), (0.1, 0.28), (0.42, 0.62), (0.34, 1), (-0.34, 1), (-0.42, 0.62)]
    skin = rounded(envelope, 2)
    pen.ramp(skin, shades(base, 1.3, 1, 0.6), (0.8, -0.8))
    pen.ramp(skin * (0.45, 1.0), shades(accent, 1.25, 1, 0.7), (0.8, -0.8))


def lamp_post(pen: Pen, rng: Generator) -> None:
    metal = jitter(rng, (70, 76, 80))
    pen.ramp(box(-0.07, 0, 0.07, 0.07), shades(metal, 1.2, 0.6), (1.0, 0.0))
    pen.ramp(box(-0.025, 0, 0.025, 0.84), shades(metal, 1.5, 0.6), (1.0, 0.0))
    pen.ramp(rounded([(-0.08, 0.8), (0.08, 0.8), (0.13, 0.95), (-0.13, 0.95)], 1), [WHITE, LAMP])
    pen.fill([(-0.16, 0.94), (0.16, 0.94), (0.0, 1.03)], tone(metal, 0.8))


def boulder(pen: Pen, rng: Generator) -> None:
    stone = pick(rng, COATS)
    angles = np.linspace(0, np.pi, 8) + rng.uniform(-0.12, 0.12, 8)
    reach = rng.uniform(0.85, 1.1, 8)
    outline = np.stack([0.75 * np.cos(angles) * reach, 0.62 * np.sin(angles) * reach], 1)
    pen.ramp(rounded(outline, 2), shades(stone, 1.25, 1, 0.5), (0.4, -1.0))


def hay_bale(pen: Pen, rng: Generator) -> None:
    straw = jitter(rng, (206, 172, 96))
    pen.ramp(panel(-0.6, 0, 0.35, 0.84, 0.2), shades(straw, 1.2, 1, 0.55))
    for scale in (1.0, 0.74, 0.48, 0.24):
        rim = ellipse(0.35, 0.42, 0.3 * scale, 0.42 * scale)
        pen.ramp(rim, shades(straw, 1.25 - 0.2 * scale, 0.85 - 0.15 * scale))


def container(pen: Pen, rng: Generator) -> None:
    """A corrugated box: the body of a goods wagon without wheels."""
    paint = pick(rng, PAINTS)
    pen.ramp(box(-1.0, 0, 1.0, 0.8), shades(paint, 1.25, 1, 0.9, 0.6))
    for x in np.linspace(-0.92, 0.92, 12):
        pen.line([(x, 0.06), (x, 0.74)], 0.025, tone(paint, 0.66))
    pen.ramp(box(-1.02, 0.75, 1.02, 0.82), shades(paint, 1.1, 0.6))
    pen.fill(box(-0.5, 0.42, 0.3, 0.54), mix(paint, WHITE, 0.7))


def fence(pen: Pen, rng: Generator) -> None:
    wood = jitter(rng, WOOD if rng.random() < 0.6 else STEEL)
    for y in (0.16, 0.34):
        pen.ramp(box(-1.2, y, 1.2, y + 0.06), shades(wood, 1.2, 0.7))
    posts = [box(x - 0.04, 0, x + 0.04, 0.5) for x in np.linspace(-1.1, 1.1, 6)]
    pen.fill_all(posts, tone(wood, 0.85))


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
