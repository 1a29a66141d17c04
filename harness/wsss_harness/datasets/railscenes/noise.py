"""Cached noise maps; a texture is a random crop of one of them."""

from functools import lru_cache
from zlib import crc32

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

FloatMap = NDArray[np.float32]

EXTENT = 2.4  # scene heights along each side of a cached map

# name: (cells across and down in one scene height, octaves, gain from octave to octave)
TEXTURES: dict[str, tuple[tuple[float, float], int, float]] = {
    "clouds": ((1.3, 2.6), 5, 0.55),
    "soft": ((2.5, 2.5), 4, 0.6),
    "grass": ((70, 22), 3, 0.8),
    "gravel": ((60, 60), 2, 0.9),
    "wood": ((3, 55), 3, 0.8),
    "waves": ((5, 26), 3, 0.75),
    "fur": ((40, 70), 3, 0.8),
    "wool": ((16, 16), 2, 0.6),
    "leaves": ((12, 12), 3, 0.9),
    "cloth": ((8, 8), 4, 0.75),
}


@lru_cache(maxsize=24)
def texture(name: str, unit: int) -> FloatMap:
    """The noise map ``name`` with ``unit`` pixels a scene height, mean 0 and deviation 1.

    A sum of random lattices, each enlarged with cubic interpolation; lattices finer than a pixel
    are left out, so a larger picture shows the same pattern with more detail.
    """
    (across, down), octaves, gain = TEXTURES[name]
    generator = np.random.Generator(np.random.PCG64(crc32(name.encode())))
    side = int(EXTENT * unit)
    total = np.zeros((side, side), np.float32)
    for octave in range(octaves):
        cells = [max(2, round(n * EXTENT * 2**octave)) for n in (across, down)]
        lattice = generator.standard_normal((cells[1], cells[0]), np.float32)
        total += gain**octave * _enlarge(lattice, side)
    total -= total.mean()
    total /= total.std()
    return np.clip(total, -2.5, 2.5, out=total)


def _enlarge(lattice: FloatMap, side: int) -> FloatMap:
    shrinks = max(lattice.shape) > side
    method = cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(lattice, (side, side), interpolation=method), np.float32)


def patch(name: str, rng: Generator, shape: tuple[int, int], unit: int) -> FloatMap:
    """A crop of ``texture(name)``, (height, width), at a random place; a view, not a copy."""
    source = texture(name, unit)
    y, x = (int(rng.random() * max(1, source.shape[0] - n)) for n in shape)
    return source[y : y + shape[0], x : x + shape[1]]


def receding(name: str, rng: Generator, shape: tuple[int, int], unit: int) -> FloatMap:
    """A crop seen in perspective: rows are denser towards the top, which is far away."""
    height, width = shape
    depth = np.linspace(0.0, 1.0, height, dtype=np.float32) ** 0.6
    source = patch(name, rng, (int(height * 1.6) + 1, width), unit)
    rows = (depth * (len(source) - 1)).astype(np.intp)
    return source[rows]


@lru_cache(maxsize=4)
def grain(height: int, width: int) -> FloatMap:
    """Sensor noise, (2 height, 2 width, 3): mostly brightness, a little colour."""
    generator = np.random.Generator(np.random.PCG64(20))
    size = (2 * height, 2 * width)
    brightness = generator.standard_normal((*size, 1), np.float32)
    return brightness + np.float32(0.35) * generator.standard_normal((*size, 3), np.float32)


@lru_cache(maxsize=1)
def blob() -> FloatMap:
    """A soft round spot, 64 x 64, 1 in the middle and 0 at the rim."""
    y, x = np.mgrid[-1:1:64j, -1:1:64j]
    falling = np.clip(1.0 - np.hypot(x, y), 0.0, 1.0)
    return np.asarray(falling * falling * (3 - 2 * falling), np.float32)
