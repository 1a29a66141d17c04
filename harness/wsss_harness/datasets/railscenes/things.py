"""Bottles, contexts that are things, and distractors about 1 high, all on y = 0."""

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
    Colour,
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

GLASSES: tuple[Colour, ...] = ((52, 104, 62), (120, 74, 34), (150, 190, 196), (64, 84, 60))


def bottle(pen: Pen, rng: Generator) -> None:
    glass = pick(rng, PAINTS if rng.random() < 0.45 else GLASSES)
    cap, label = pick(rng, PAINTS), pick(rng, PAINTS)
    width, shoulder, neck = rng.uniform(0.16, 0.22), rng.uniform(0.5, 0.68), rng.uniform(0.05, 0.07)
    _glass(pen, glass, width, shoulder, neck)
    if rng.random() < 0.75:
        _label(pen, label, width, shoulder)
    gleam = panel(-width * 0.72, 0.06, -width * 0.5, shoulder - 0.02, 0.02)
    pen.fill(gleam, mix(glass, WHITE, 0.55))
    pen.fill(panel(-neck * 0.6, shoulder + 0.2, -neck * 0.2, 0.9, 0.01), mix(glass, WHITE, 0.5))
    top = neck + 0.014
    pen.ramp(panel(-top, 0.9, top, 1.0, 0.015), shades(cap, 0.7, 1.3, 0.6), (1, 0))
    pen.line([(-top, 0.915), (top, 0.915)], 0.012, tone(cap, 0.5))


def _glass(pen: Pen, glass: Colour, width: float, shoulder: float, neck: float) -> None:
    side = [(width * 0.9, 0.0), (width, 0.0), (width, 0.05), (width, shoulder)]
    right = [*side, (neck * 1.3, shoulder + 0.17), (neck, 0.92)]
    outline = rounded([(-x, y) for x, y in right[::-1]] + right, 2)
    pen.ramp(outline, shades(glass, 0.6, 1.25, 1, 0.9, 0.5), (1, 0))


def _label(pen: Pen, colour: Colour, width: float, shoulder: float) -> None:
    paper = mix(colour, WHITE, 0.82)
    low, high = shoulder * 0.22, shoulder * 0.8
    outline = box(-width * 0.97, low, width * 0.97, high)
    pen.ramp(outline, shades(paper, 0.72, 1.05, 1, 0.66), (1, 0))
    for share, ink in ((0.45, colour), (0.2, paper)):
        pen.fill(ellipse(0, (low + high) / 2 + 0.03, width * share, width * share), ink)
    for k in (0, 1):
        y = low + 0.04 + 0.035 * k
        pen.line([(-width * 0.6, y), (width * 0.6, y)], 0.012, tone(colour, 0.6))


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


def waste_bin(pen: Pen, rng: Generator) -> None:
    paint = pick(rng, PAINTS)
    body = [(-0.26, 0), (0.26, 0), (0.33, 0.8), (-0.33, 0.8)]
    pen.ramp(body, shades(paint, 0.7, 1.2, 0.6), (1, 0))
    for x in (-0.18, 0.0, 0.18):
        pen.line([(x * 0.85, 0.06), (x, 0.74)], 0.02, tone(paint, 0.55))
    pen.ramp(panel(-0.38, 0.78, 0.38, 0.9, 0.05), shades(paint, 1.3, 0.7))


def ball(pen: Pen, rng: Generator) -> None:
    base, accent = pick(rng, PAINTS), pick(rng, (*PAINTS, WHITE))
    pen.ramp(ellipse(0, 0.5, 0.5, 0.5), shades(base, 1.35, 1, 0.5), (0.6, -1.0))
    stripe = [(-0.48, 0.42), (0.0, 0.3), (0.48, 0.42), (0.48, 0.62), (0.0, 0.5), (-0.48, 0.62)]
    pen.ramp(rounded(stripe, 1), shades(accent, 1.2, 0.6), (0.6, -1.0))
    pen.fill(ellipse(-0.18, 0.74, 0.1, 0.07, 30), tone(base, 1.7))


def plant(pen: Pen, rng: Generator) -> None:
    leaf, pot = jitter(rng, LEAF, 0.1), jitter(rng, CLAY)
    for degrees in np.linspace(-65, 65, 7) + rng.uniform(-8, 8, 7):
        lean = np.radians(degrees)
        tip = (0.52 * np.sin(lean), 0.36 + 0.6 * np.cos(lean))
        spine = [(0, 0.34), (tip[0] * 0.6, 0.3 + 0.7 * (tip[1] - 0.3)), tip]
        pen.ramp(rounded(ribbon(spine, [0.06, 0.14, 0.01]), 1), shades(leaf, 1.2, 0.6))
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
