"""Bottles, standing on y = 0, 1 high."""

from numpy.random import Generator

from wsss_harness.datasets.railscenes.colours import PAINTS, WHITE, Colour, mix, pick, shades, tone
from wsss_harness.datasets.railscenes.pen import Pen
from wsss_harness.datasets.railscenes.shapes import box, ellipse, panel, rounded

GLASSES: tuple[Colour, ...] = ((52, 104, 62), (120, 74, 34), (150, 190, 196), (64, 84, 60))


def bottle(pen: Pen, rng: Generator) -> None:
    coloured = rng.random() < 0.45
    glass = pick(rng, PAINTS) if coloured else pick(rng, GLASSES)
    cap, label = pick(rng, PAINTS), pick(rng, PAINTS)
    width = rng.uniform(0.16, 0.22)
    shoulder = rng.uniform(0.5, 0.68)
    neck = rng.uniform(0.05, 0.07)
    _glass(pen, glass, width, shoulder, neck)
    if rng.random() < 0.75:
        _label(pen, label, width, shoulder)
    pen.fill(
        panel(-width * 0.72, 0.06, -width * 0.5, shoulder - 0.02, 0.02), mix(glass, WHITE, 0.55)
    )
    pen.fill(panel(-neck * 0.6, shoulder + 0.2, -neck * 0.2, 0.9, 0.01), mix(glass, WHITE, 0.5))
    top = neck + 0.014
    pen.ramp(panel(-top, 0.9, top, 1.0, 0.015), shades(cap, 0.7, 1.3, 0.6), (1, 0))
    pen.line([(-top, 0.915), (top, 0.915)], 0.012, tone(cap, 0.5))


def _glass(pen: Pen, glass: Colour, width: float, shoulder: float, neck: float) -> None:
    right = [
        (width * 0.9, 0.0),
        (width, 0.0),
        (width, 0.05),
        (width, shoulder),
        (neck * 1.3, shoulder + 0.17),
        (neck, 0.92),
    ]
    outline = rounded([(-x, y) for x, y in right[::-1]] + right, 2)
    body = shades(glass, 0.6, 1.25, 1, 0.9, 0.5)
    pen.ramp(outline, body, (1.0, 0.0))


def _label(pen: Pen, colour: Colour, width: float, shoulder: float) -> None:
    paper = mix(colour, WHITE, 0.82)
    low, high = shoulder * 0.22, shoulder * 0.8
    pen.ramp(
        box(-width * 0.97, low, width * 0.97, high), shades(paper, 0.72, 1.05, 1, 0.66), (1, 0)
    )
    middle = (low + high) / 2
    pen.fill(ellipse(0, middle + 0.03, width * 0.45, width * 0.45), colour)
    pen.fill(ellipse(0, middle + 0.03, width * 0.2, width * 0.2), paper)
    for k in (0, 1):
        y = low + 0.04 + 0.035 * k
        pen.line([(-width * 0.6, y), (width * 0.6, y)], 0.012, tone(colour, 0.6))
