"""A scene or an icon from its seed and index: arranged, annotated and photographed."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from wsss_harness.contract.types import IGNORE, Image, Map, Mask
from wsss_harness.datasets.railscenes.animals import flying_bird
from wsss_harness.datasets.railscenes.canvas import Canvas, Item, Spot
from wsss_harness.datasets.railscenes.cast import CAST, CLASSES, DISTRACTORS, NUMBER, Actor
from wsss_harness.datasets.railscenes.noise import FloatMap, grain
from wsss_harness.datasets.railscenes.saliency import detect
from wsss_harness.datasets.railscenes.settings import SETTINGS, Scenery

AT_HOME = 0.9  # share of scenes whose first figure is in its home setting
FIGURES = (0.62, 0.30, 0.08)  # shares of scenes with one, two and three figures


@dataclass(frozen=True)
class Scene:
    """``truth`` holds 0, 1..C and 255 on borders; ``context`` the index of a context or 0."""

    image: Image
    truth: Mask
    context: Mask
    saliency: Map
    present: tuple[int, ...]


def scene(seed: int, index: int, width: int = 128, height: int = 96, border: int = 1) -> Scene:
    """Scene ``index`` of the world ``seed``; the same composition at every size.

    ``border`` is the width in pixels of the band of 255 along the outlines of figures, 0 for none.
    """
    canvas = Canvas(width, height, _generator(seed, index, 0))
    arrange(canvas)
    truth, context, owner = _maps(canvas)
    saliency = detect(_generator(seed, index, 1), canvas.items, owner, context)
    present = tuple(int(number) for number in np.unique(truth) if number)
    image = photograph(canvas.colour, (width, height), _generator(seed, index, 2))
    return Scene(image, _bordered(truth, owner, border), context, saliency, present)


def _generator(seed: int, index: int, purpose: int) -> Generator:
    return np.random.Generator(np.random.PCG64([seed, index, purpose]))


def _maps(canvas: Canvas) -> tuple[Mask, Mask, NDArray[np.uint8]]:
    """Class, context index and owner (see ``owners``) of every pixel."""
    owner = owners(canvas.items, (canvas.height, canvas.width))
    numbers = np.array([0, *(item.number for item in canvas.items)], np.uint8)
    contexts = np.array([0, *(item.context for item in canvas.items)], np.uint8)
    size = (canvas.width, canvas.height)
    ground = cv2.resize(canvas.context, size, interpolation=cv2.INTER_NEAREST)
    return numbers[owner], np.where(owner > 0, contexts[owner], ground).astype(np.uint8), owner


def owners(items: list[Item], shape: tuple[int, int]) -> NDArray[np.uint8]:
    """The front item that covers at least half of each pixel, counted from 1; 0 for the ground."""
    owner = np.zeros(shape, np.uint8)
    for number, item in enumerate(items, 1):
        owner[item.cover > 127] = number
    return owner


def _bordered(truth: Mask, owner: NDArray[np.uint8], border: int) -> Mask:
    if border == 0:
        return truth
    figure = np.where(truth > 0, owner, 0).astype(np.uint8)
    kernel = np.ones((border + 1, border + 1), np.uint8)
    edge = cv2.morphologyEx(figure, cv2.MORPH_GRADIENT, kernel) > 0
    return np.where(edge, np.uint8(IGNORE), truth)


def photograph(canvas: Image, size: tuple[int, int], rng: Generator) -> Image:
    """The canvas as a camera sees it, at ``size`` pixels: tinted light, slight blur, grain."""
    width, height = size
    picture = cv2.resize(canvas, size, interpolation=cv2.INTER_AREA).astype(np.float32)
    picture *= _light(rng, width, height)
    sigma = rng.uniform(0.25, 0.6) * (height / 96) ** 0.5
    picture = cv2.GaussianBlur(picture, (0, 0), sigma)
    y, x = (int(rng.random() * n) for n in (height, width))
    noise = grain(height, width)[y : y + height, x : x + width]
    picture += np.float32(rng.uniform(1.5, 4.5)) * noise
    return np.asarray(np.clip(picture, 0, 255), np.uint8)


def _light(rng: Generator, width: int, height: int) -> FloatMap:
    """Brightness and tint of the light, (H, W, 3), falling off towards the corners."""
    lean_x, lean_y = rng.normal(0, 0.1, 2)
    x = np.linspace(-1, 1, width, dtype=np.float32)[None]
    y = np.linspace(-1, 1, height, dtype=np.float32)[:, None]
    fall = 1.07 + lean_x * x + lean_y * y - rng.uniform(0.02, 0.12) * (x * x + y * y)
    tint = 1 + rng.normal(0, 0.035, 3) + rng.normal(0, 0.06)
    return np.asarray(fall[..., None] * tint, np.float32)


def arrange(canvas: Canvas) -> None:
    """Draw a scene: ground, far distractors, one to three figures, near distractors."""
    rng = canvas.rng
    names = _names(rng)
    scenery = SETTINGS[_setting(rng, CAST[names[0]])](canvas)
    _far_distractors(canvas, scenery)
    lowest = _figures(canvas, scenery, names)
    _near_distractors(canvas, scenery, lowest)


def _names(rng: Generator) -> list[str]:
    """One to three classes; the first decides the setting."""
    first = CLASSES[rng.integers(len(CLASSES))]
    meets = CAST[first].meets
    others = int(np.searchsorted(np.cumsum(FIGURES), rng.random()))
    return [first, *(meets[rng.integers(len(meets))] for _ in range(others))]


def _setting(rng: Generator, actor: Actor) -> str:
    if rng.random() < AT_HOME:
        return actor.home
    return actor.away[rng.integers(len(actor.away))]


def _figures(canvas: Canvas, scenery: Scenery, names: list[str]) -> float:
    """Draw the figures; return the y of the lowest one's feet."""
    mist = canvas.rng.uniform(0.2, 0.45) if canvas.rng.random() < 0.2 else 0.0
    shrink = (1.0, 0.82, 0.7)[len(names) - 1]
    spots: list[tuple[str, Spot]] = []
    for name in names:
        taken = [spot.x for _, spot in spots]
        spots.append((name, _spot(canvas, scenery, name, shrink, taken)))
    for name, spot in sorted(spots, key=lambda entry: entry[1].y):
        _enter(canvas, scenery, name, spot, mist)
    return max(spot.y for _, spot in spots)


def _spot(canvas: Canvas, scenery: Scenery, name: str, shrink: float, taken: list[float]) -> Spot:
    rng, actor = canvas.rng, CAST[name]
    size = rng.uniform(*actor.sizes) * shrink * (rng.uniform(0.6, 1) if taken else 1)
    mirrored, y = rng.random() < 0.5, _feet(rng, scenery, name, not taken)
    x, degrees = _across(rng, canvas.aspect, scenery.span, taken), rng.normal(0, 2.5)
    if name == "aeroplane":
        degrees = rng.normal(-6, 12)
    else:
        size = min(size, y / actor.tall * rng.uniform(0.9, 1.12))
    if name == "train":
        x += (0.8 if mirrored else -0.8) * size + rng.normal(0, 0.1)
    if scenery.slope and not taken:
        degrees = -float(np.degrees(np.arctan(scenery.slope)))
        y += scenery.slope * (x - canvas.aspect / 2)
    return Spot(x, y, size, degrees, mirrored)


def _feet(rng: Generator, scenery: Scenery, name: str, first: bool) -> float:
    """The y of a figure's feet, or of the middle of an aeroplane."""
    if name == "aeroplane":
        return rng.uniform(0.25, 0.6)
    if _flies(scenery, name):
        return rng.uniform(0.55, 0.85)
    if first:
        return scenery.base + rng.uniform(-0.01, 0.03)
    return rng.uniform(*scenery.floor)


def _flies(scenery: Scenery, name: str) -> bool:
    return name == "bird" and not scenery.firm


def _across(rng: Generator, aspect: float, span: tuple[float, float], taken: list[float]) -> float:
    """The x of a figure: near the middle, in ``span``, for the first, else far from the others."""
    places = (rng.uniform(0.12, 0.88, 3) * aspect).tolist()
    middle = aspect * min(0.95, max(0.05, rng.normal(0.5, 0.15)))
    if not taken:
        return min(span[1], max(span[0], middle))
    return float(max(places, key=lambda place: min(abs(place - x) for x in taken)))


def _enter(canvas: Canvas, scenery: Scenery, name: str, spot: Spot, mist: float) -> None:
    actor, draw = CAST[name], CAST[name].draw
    if _flies(scenery, name):
        draw = flying_bird
    elif actor.reach:
        drop = 0.06 * spot.size if name == "boat" else 0.0
        canvas.shadow(spot.x, spot.y + drop, actor.reach * spot.size, 0.12 * spot.size, 0.6)
    canvas.put(draw, spot, number=NUMBER[name], texture=actor.texture, mist=mist)


def _far_distractors(canvas: Canvas, scenery: Scenery) -> None:
    rng = canvas.rng
    for _ in range(rng.integers(0, 4) if scenery.behind else 0):
        name = scenery.behind[rng.integers(len(scenery.behind))]
        y, size = scenery.horizon + rng.uniform(0.0, 0.08), rng.uniform(0.14, 0.38)
        x = rng.uniform(0, canvas.aspect)
        canvas.shadow(x, y, 0.4 * size, 0.06 * size, 0.4)
        canvas.put(DISTRACTORS[name], Spot(x, y, size), mist=0.25 * scenery.firm)
    if scenery.hangs and rng.random() < 0.3:
        x, y = rng.uniform(0, canvas.aspect), rng.uniform(0.25, 0.5) * scenery.horizon
        spot = Spot(x, y + 0.1, rng.uniform(0.14, 0.3))
        canvas.put(DISTRACTORS[scenery.hangs], spot, mist=0.1)


def _near_distractors(canvas: Canvas, scenery: Scenery, lowest: float) -> None:
    """Draw things in front of the figures, which may partly hide them."""
    rng = canvas.rng
    for _ in range(rng.choice([0, 1, 2], p=[0.4, 0.42, 0.18]) if scenery.before else 0):
        name = scenery.before[rng.integers(len(scenery.before))]
        x, size = rng.uniform(0, canvas.aspect), rng.uniform(0.16, 0.4)
        nearest = max(scenery.floor[1], lowest + 0.02) + 0.06
        y = rng.uniform(max(lowest, scenery.floor[0]), nearest)
        canvas.shadow(x, y, 0.5 * size, 0.12 * size, 0.5)
        canvas.put(DISTRACTORS[name], Spot(x, y, size))


FURTHER = tuple(name for name in DISTRACTORS if name not in ("bush", "cushion", "fence", "picture"))
ICON_CLASSES = (*CLASSES, *FURTHER)

# Sizes in picture heights that fill about two thirds of a square picture.
FILLING = {"train": 0.42, "bottle": 0.85, "container": 0.4, "hay bale": 0.7, "boulder": 0.6}


def icon(seed: int, index: int, width: int, height: int) -> tuple[Image, str]:
    """Icon ``index`` of ``seed``, (H, W, 3), and the name of the thing that it shows."""
    rng = _generator(seed, index, 3)
    canvas = Canvas(width, height, rng)
    name = ICON_CLASSES[rng.integers(len(ICON_CLASSES))]
    grounds = list(SETTINGS.values())
    grounds[rng.integers(len(grounds))](canvas)
    size = FILLING.get(name, 0.75) * rng.uniform(0.7, 1.25)
    mirrored = rng.random() < 0.5
    x, y = 0.5 * canvas.aspect + rng.normal(0, 0.08), 0.5 + rng.normal(0, 0.06)
    if name == "train":
        x += (0.4 if mirrored else -0.4) * size
    y += 0.0 if name == "aeroplane" else 0.45 * size if name != "car" else 0.2 * size
    spot = Spot(x, y, size, rng.normal(0, 6), mirrored)
    if name in CAST:
        canvas.put(CAST[name].draw, spot, texture=CAST[name].texture)
    else:
        canvas.put(DISTRACTORS[name], spot)
    return photograph(canvas.colour, (width, height), rng), name
