"""Outlines as (N, 2) points, x to the right and y up."""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

Points = NDArray[np.float64]


@lru_cache(maxsize=4)
def _circle(corners: int) -> Points:
    angle = np.linspace(0, 2 * np.pi, corners, endpoint=False)
    return np.stack([np.cos(angle), np.sin(angle)], 1)


def ellipse(x: float, y: float, rx: float, ry: float, degrees: float = 0.0) -> Points:
    return np.add(turned(_circle(28) * (rx, ry), degrees), (x, y))


def turned(points: ArrayLike, degrees: float) -> Points:
    """``points`` turned about the origin, anticlockwise."""
    if not degrees:
        return np.asarray(points, np.float64)
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return np.asarray(np.matmul(points, [[c, s], [-s, c]]), np.float64)


def box(left: float, bottom: float, right: float, top: float) -> Points:
    return np.array([[left, bottom], [right, bottom], [right, top], [left, top]], np.float64)


def panel(left: float, bottom: float, right: float, top: float, radius: float) -> Points:
    """A rectangle with rounded corners."""
    quarter = _circle(24)
    inner = ((right, top), (left, top), (left, bottom), (right, bottom))
    sides = ((-1, -1), (1, -1), (1, 1), (-1, 1))
    arcs = [
        np.array(corner) + radius * (np.array(side) + quarter[np.arange(6 * k, 6 * k + 7) % 24])
        for k, (corner, side) in enumerate(zip(inner, sides, strict=True))
    ]
    return np.concatenate(arcs)


def rounded(points: ArrayLike, rounds: int = 2) -> Points:
    """A closed outline with its corners cut (Chaikin), ``rounds`` times."""
    outline = np.asarray(points, np.float64)
    for _ in range(rounds):
        following = np.roll(outline, -1, axis=0)
        cut = np.stack([0.75 * outline + 0.25 * following, 0.25 * outline + 0.75 * following], 1)
        outline = cut.reshape(-1, 2)
    return outline


def ribbon(spine: ArrayLike, widths: Sequence[float]) -> Points:
    """A band along ``spine`` whose width changes from point to point; tails, branches, necks."""
    line = np.asarray(spine, np.float64)
    along = np.gradient(line, axis=0)
    along /= np.linalg.norm(along, axis=1, keepdims=True) + 1e-9
    side = np.stack([-along[:, 1], along[:, 0]], 1) * (np.asarray(widths)[:, None] / 2)
    return np.concatenate([line + side, (line - side)[::-1]])


def ruffled(points: ArrayLike, depth: float, waves: int, phase: float = 0.0) -> Points:
    """An outline pushed in and out around its middle: wool, foliage, fur."""
    outline = np.asarray(points, np.float64)
    steps = np.linspace(0, len(outline), 6 * waves, endpoint=False)
    index = np.arange(len(outline) + 1)
    closed = np.concatenate([outline, outline[:1]])
    dense = np.stack([np.interp(steps, index, closed[:, k]) for k in (0, 1)], 1)
    away = dense - dense.mean(0)
    away /= np.linalg.norm(away, axis=1, keepdims=True) + 1e-9
    swing = np.abs(np.sin(np.linspace(0, np.pi * waves, len(dense), endpoint=False) + phase))
    return np.asarray(dense + away * depth * (swing[:, None] - 0.5), np.float64)
