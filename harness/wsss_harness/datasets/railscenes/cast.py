"""What appears in scenes: the classes, with their size, home setting and company; distractors."""

from dataclasses import dataclass

from wsss_harness.datasets.railscenes import animals, things, vehicles
from wsss_harness.datasets.railscenes.canvas import Draw


@dataclass(frozen=True)
class Actor:
    """How figures of one class appear.

    ``sizes``: smallest and largest size in scene heights, for a single figure. ``tall``: its
    height, and ``reach``: half the width of its shadow, both in units of its size. ``context``:
    its name in grounds.CONTEXTS. ``away``: settings used instead of ``home`` in one scene out of
    ten. ``meets``: classes that may join it.
    """

    draw: Draw
    sizes: tuple[float, float]
    tall: float
    reach: float
    context: str
    home: str
    away: tuple[str, ...]
    meets: tuple[str, ...]
    texture: tuple[str, float] = ("soft", 0.05)


FUR, WOOL = ("fur", 0.07), ("wool", 0.09)

CAST: dict[str, Actor] = {
    "aeroplane": Actor(vehicles.aeroplane, (0.9, 1.55), 0.4, 0.0, "sky",
        "open_sky", ("pasture", "street"), ("bird", "aeroplane")),
    "bird": Actor(animals.bird, (0.75, 1.15), 0.76, 0.4, "branch",
        "wood", ("pasture", "open_sky", "shore"), ("bird", "cat"), FUR),
    "boat": Actor(vehicles.boat, (0.75, 1.05), 0.95, 0.62, "water",
        "lake", ("shore",), ("boat", "boat", "bird", "aeroplane")),
    "bottle": Actor(things.bottle, (0.7, 0.95), 1.0, 0.3, "table",
        "kitchen", ("room",), ("bottle", "bottle", "cat")),
    "car": Actor(vehicles.car, (0.9, 1.4), 0.4, 0.62, "road",
        "street", ("pasture", "railway"), ("car", "car", "sheep", "bird")),
    "cat": Actor(animals.cat, (0.7, 1.0), 1.0, 0.6, "sofa",
        "room", ("pasture", "kitchen", "wood"), ("cat", "bottle"), FUR),
    "sheep": Actor(animals.sheep, (0.65, 1.05), 0.8, 0.62, "meadow",
        "pasture", ("street", "shore"), ("sheep", "bird", "car"), WOOL),
    "train": Actor(vehicles.train, (0.38, 0.64), 1.0, 1.5, "rails",
        "railway", ("pasture",), ("car", "sheep", "bird")),
}  # fmt: skip
CLASSES = tuple(CAST)
NUMBER = {name: number for number, name in enumerate(CLASSES, 1)}
PAIRS = tuple((actor.context, name) for name, actor in CAST.items())

# Things that are not classes.
DISTRACTORS: dict[str, Draw] = {
    "ball": things.ball, "balloon": things.balloon, "bin": things.waste_bin,
    "books": things.books, "boulder": things.boulder, "building": things.building,
    "bush": things.bush, "container": things.container, "cushion": things.cushion,
    "fence": things.fence, "hay bale": things.hay_bale, "lamp post": things.lamp_post,
    "picture": things.picture, "plant": things.plant, "tree": things.tree,
    "vase": things.vase,
}  # fmt: skip
