"""The settings: each paints a background and describes where figures and distractors fit."""

from collections.abc import Callable
from dataclasses import dataclass

from wsss_harness.datasets.railscenes import grounds
from wsss_harness.datasets.railscenes.canvas import Canvas, Spot
from wsss_harness.datasets.railscenes.things import branch, sofa, table

OUTSIDE = ("tree", "building", "bush", "container", "lamp post", "fence", "hay bale", "boulder")
SHORE = ("tree", "building", "bush", "boulder")
NEAR = ("bush", "boulder", "bin", "ball", "lamp post", "plant", "hay bale")
INSIDE = ("plant", "books", "vase", "cushion", "ball", "bin")


@dataclass(frozen=True)
class Scenery:
    """Where things fit, in scene heights from the top left.

    ``base`` is the y and ``span`` the range of x where the class at home stands; ``floor`` is the
    range of y for other figures. ``behind``, ``before`` and ``hangs`` name distractors. Birds fly
    where the ground is not ``firm``.
    """

    horizon: float
    floor: tuple[float, float]
    base: float
    slope: float = 0.0
    behind: tuple[str, ...] = OUTSIDE
    before: tuple[str, ...] = NEAR
    hangs: str = "balloon"
    firm: bool = True
    span: tuple[float, float] = (0.0, 9.0)


def railway(canvas: Canvas) -> Scenery:
    rng = canvas.rng
    horizon, half = rng.uniform(0.25, 0.5), rng.uniform(0.07, 0.12)
    base, slope = rng.uniform(0.68, 0.84), rng.normal(0, 0.03)
    _country(canvas, horizon)
    grounds.rails(canvas, base, half, slope)
    return Scenery(horizon, (min(0.9, base + half * 1.5), 1.0), base + half * 0.35, slope)


def _country(canvas: Canvas, horizon: float) -> None:
    grounds.sky(canvas, horizon)
    grounds.hills(canvas, horizon)
    if canvas.rng.random() < 0.5:
        grounds.meadow(canvas, horizon)
    else:
        grounds.plain(canvas, horizon)


def street(canvas: Canvas) -> Scenery:
    rng = canvas.rng
    horizon, half = rng.uniform(0.2, 0.45), rng.uniform(0.13, 0.22)
    base, slope = rng.uniform(0.7, 0.86), rng.normal(0, 0.02)
    _country(canvas, horizon)
    grounds.road(canvas, base, half, slope)
    return Scenery(horizon, (horizon + 0.3, 0.97), base + half * 0.3, slope)


def lake(canvas: Canvas) -> Scenery:
    horizon = canvas.rng.uniform(0.3, 0.52)
    grounds.sky(canvas, horizon)
    grounds.hills(canvas, horizon)
    grounds.water(canvas, horizon)
    base = canvas.rng.uniform(max(0.62, horizon + 0.2), 0.92)
    return Scenery(horizon, (horizon + 0.25, 0.95), base, behind=SHORE, before=("ball", "boulder"),
                   firm=False)  # fmt: skip


def shore(canvas: Canvas) -> Scenery:
    """Dry land in front of water."""
    scenery = lake(canvas)
    edge = canvas.rng.uniform(scenery.horizon + 0.12, 0.68)
    grounds.plain(canvas, edge)
    base = max(scenery.base, edge + 0.12)
    return Scenery(scenery.horizon, (edge + 0.1, 0.97), base, behind=SHORE)


def open_sky(canvas: Canvas) -> Scenery:
    horizon = canvas.rng.uniform(0.8, 1.1)
    grounds.sky(canvas, horizon)
    base = canvas.rng.uniform(0.5, 0.85)
    if horizon >= 1:
        return Scenery(1.0, (0.6, 0.9), base, behind=(), before=(), firm=False)
    grounds.hills(canvas, horizon)
    grounds.meadow(canvas, horizon)
    return Scenery(horizon, (0.95, 1.0), base, firm=False)


def pasture(canvas: Canvas) -> Scenery:
    horizon = canvas.rng.uniform(0.18, 0.45)
    grounds.sky(canvas, horizon)
    grounds.hills(canvas, horizon)
    grounds.meadow(canvas, horizon)
    return Scenery(horizon, (horizon + 0.3, 0.97), canvas.rng.uniform(0.75, 0.97))


def room(canvas: Canvas) -> Scenery:
    rng = canvas.rng
    floor = rng.uniform(0.6, 0.78)
    grounds.wall(canvas, floor)
    size = rng.uniform(0.75, 1.05)
    x, y = rng.uniform(0.35, 0.65) * canvas.aspect, min(0.97, floor + 0.16)
    canvas.shadow(x, y, 0.85 * size, 0.1, 0.5)
    spot = Spot(x, y, size, mirrored=rng.random() < 0.5)
    canvas.put(sofa, spot, context=grounds.SOFA, texture=("cloth", 0.07), bevel=0.4)
    return Scenery(floor, (floor + 0.2, 0.98), y - 0.31 * size, behind=INSIDE, before=INSIDE,
                   hangs="picture", span=(x - 0.45 * size, x + 0.45 * size))  # fmt: skip


def kitchen(canvas: Canvas) -> Scenery:
    rng = canvas.rng
    grounds.wall(canvas, rng.uniform(0.72, 0.85))
    front, size = rng.uniform(0.86, 1.02), rng.uniform(0.6, 0.95)
    x = rng.uniform(0.4, 0.6) * canvas.aspect
    canvas.put(
        table, Spot(x, front, size), context=grounds.TABLE, texture=("wood", 0.1), bevel=0.15
    )
    back = front - 0.3 * size
    return Scenery(back, (back + 0.1 * size, front - 0.02), front - 0.1 * size, behind=INSIDE,
                   before=INSIDE, hangs="picture",
                   span=(x - 0.8 * size, x + 0.8 * size))  # fmt: skip


def wood(canvas: Canvas) -> Scenery:
    rng = canvas.rng
    grounds.foliage(canvas)
    y = rng.uniform(0.68, 0.9)
    spot = Spot(canvas.aspect / 2, y, rng.uniform(0.75, 1.0), rng.normal(0, 3))
    canvas.put(branch, spot, context=grounds.BRANCH, texture=("wood", 0.12), bevel=0.5)
    return Scenery(0.5, (y - 0.02, y + 0.02), y - 0.04, behind=(), before=(), hangs="")


SETTINGS: dict[str, Callable[[Canvas], Scenery]] = {
    setting.__name__: setting
    for setting in (railway, street, lake, shore, open_sky, pasture, room, kitchen, wood)
}
