"""The classes: how they are drawn, how large they are, where they live and whom they meet."""

from dataclasses import dataclass

from wsss_harness.datasets.railscenes.animals import bird, cat, sheep
from wsss_harness.datasets.railscenes.craft import aeroplane, boat
from wsss_harness.datasets.railscenes.land import car, train
from wsss_harness.datasets.railscenes.small import bottle
from wsss_harness.datasets.railscenes.stage import Draw


@dataclass(frozen=True)
class Actor:
    """``sizes`` in scene heights for a figure that is alone; ``away`` are settings that it visits
    instead of its ``home`` in one case of ten or so."""

    draw: Draw
    sizes: tuple[float, float]
    home: str
    away: tuple[str, ...]
    meets: tuple[str, ...]
    texture: tuple[str, float] = ("soft", 0.05)
    reach: float = 0.5  # half its width in units of its size
    alone: float = 0.6  # share of its scenes without a second figure


CAST: dict[str, Actor] = {
    "aeroplane": Actor(
        aeroplane, (0.85, 1.5), "heaven", ("pasture", "street"), ("bird", "aeroplane")
    ),
    "bird": Actor(
        bird, (0.65, 1.1), "wood", ("pasture", "heaven", "lake"), ("bird", "cat"), ("fur", 0.08)
    ),
    "boat": Actor(boat, (0.75, 1.1), "lake", ("pasture", "street"), ("boat", "bird", "aeroplane")),
    "bottle": Actor(bottle, (0.7, 1.0), "kitchen", ("room",), ("bottle", "cat"), reach=0.2),
    "car": Actor(car, (0.85, 1.4), "street", ("pasture",), ("car", "sheep", "bird", "train")),
    "cat": Actor(
        cat, (0.7, 1.0), "room", ("pasture", "kitchen", "wood"), ("cat", "bottle"), ("fur", 0.11)
    ),
    "sheep": Actor(
        sheep, (0.75, 1.15), "pasture", ("street", "lake"), ("sheep", "bird", "car"), ("wool", 0.09)
    ),
    "train": Actor(train, (0.36, 0.62), "railway", ("pasture",), ("car", "sheep"), reach=1.4),
}
CLASSES = tuple(CAST)
NUMBER = {name: number for number, name in enumerate(CLASSES, 1)}
