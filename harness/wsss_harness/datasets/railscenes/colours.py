"""Colours as (red, green, blue), each 0 to 255."""

import colorsys

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

Colour = tuple[float, float, float]

WHITE: Colour = (246, 244, 238)
DARK: Colour = (34, 34, 40)
STEEL: Colour = (150, 154, 160)
GLASS: Colour = (74, 96, 122)
WOOD: Colour = (122, 82, 48)
LAMP: Colour = (255, 244, 190)
RED: Colour = (206, 42, 40)
LEAF: Colour = (70, 122, 58)
CLAY: Colour = (184, 92, 62)

# Paint shared by all vehicles, boats and boxes, so that a colour does not reveal a class.
PAINTS: tuple[Colour, ...] = (
    (190, 44, 40), (216, 120, 44), (226, 184, 60), (60, 136, 74), (44, 132, 140), (48, 92, 168),
    (92, 72, 150), (150, 62, 104), (206, 206, 204), (120, 126, 134), (62, 68, 80), (176, 150, 116),
)  # fmt: skip

# Coats shared by all animals, cushions and boulders.
COATS: tuple[Colour, ...] = (
    (226, 218, 202), (188, 142, 92), (146, 96, 56), (196, 118, 58),
    (128, 126, 124), (84, 78, 76), (166, 158, 146), (112, 92, 76),
)  # fmt: skip


def tone(colour: Colour, factor: float) -> Colour:
    """``colour`` darker (factor below 1) or lighter (above 1: towards white)."""
    if factor <= 1:
        return (colour[0] * factor, colour[1] * factor, colour[2] * factor)
    return mix(colour, (255.0, 255.0, 255.0), min(1.0, factor - 1))


def shades(colour: Colour, *factors: float) -> list[Colour]:
    """The stops of a colour ramp: ``tone`` of ``colour`` by each factor."""
    return [tone(colour, factor) for factor in factors]


def light(colour: Colour) -> NDArray[np.float32]:
    return np.array(colour, np.float32)


def mix(start: Colour, end: Colour, share: float) -> Colour:
    a, b, c = (p + (q - p) * share for p, q in zip(start, end, strict=True))
    return (a, b, c)


def jitter(rng: Generator, colour: Colour, spread: float = 0.08) -> Colour:
    """``colour`` with hue, saturation and value changed a little."""
    hue, saturation, value = colorsys.rgb_to_hsv(*(min(c, 255.0) / 255 for c in colour))
    moves = rng.uniform(-spread, spread, 3).tolist()
    hue = (hue + moves[0] * 0.5) % 1
    saturation = min(1.0, saturation * max(0.0, 1 + 3 * moves[1]))
    value = min(1.0, max(0.08, value * (1 + 2 * moves[2])))
    red, green, blue = colorsys.hsv_to_rgb(hue, saturation, value)
    return (255 * red, 255 * green, 255 * blue)


def pick(rng: Generator, colours: tuple[Colour, ...], spread: float = 0.08) -> Colour:
    return jitter(rng, colours[rng.integers(len(colours))], spread)
