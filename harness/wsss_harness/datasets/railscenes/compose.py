"""A scene from its seed and index: setting, figures, distractors, light and grain."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from wsss_harness.datasets.railscenes.cast import CAST, CLASSES, NUMBER, Actor
from wsss_harness.datasets.railscenes.distractors import DISTRACTORS
from wsss_harness.datasets.railscenes.noise import FloatMap, grain
from wsss_harness.datasets.railscenes.saliency import detect
from wsss_harness.datasets.railscenes.settings import SETTINGS, Scenery
from wsss_harness.datasets.railscenes.stage import Item, Spot, Stage
from wsss_harness.types import IGNORE, Image, Map, Mask


@dataclass(frozen=True)
class Scene:
    """``truth`` holds 0, 1..C and 255 on borders; ``context`` the index of a context or 0."""

    image: Image
    truth: Mask
    context: Mask
    saliency: Map
    present: tuple[int, ...]


def scene(seed: int, index: int, width: int = 128, height: int = 96, border: int = 1) -> Scene:
    """Scene ``index`` of the world ``seed``; the same one at every size."""
    rng = np.random.Generator(np.random.PCG64([seed, index]))
    stage = Stage(width, height, rng)
    names = _names(rng)
    scenery = SETTINGS[_setting(rng, CAST[names[0]])](stage)
    _far_distractors(stage, scenery)
    _figures(stage, scenery, names)
    _near_distractors(stage, scenery)
    owner = owners(stage.items, (height, width))
    return _finish(stage, owner, border)


def _names(rng: Generator) -> list[str]:
    """One to three classes, the first at home in the setting."""
    first = CLASSES[int(rng.integers(len(CLASSES)))]
    actor = CAST[first]
    names = [first]
    draw = rng.random()
    for _ in range(0 if draw < actor.alone else 1 if draw < 0.92 else 2):
        names.append(actor.meets[int(rng.integers(len(actor.meets)))])
    return names


def _setting(rng: Generator, actor: Actor) -> str:
    if rng.random() < 0.9:
        return actor.home
    return actor.away[int(rng.integers(len(actor.away)))]


def _figures(stage: Stage, scenery: Scenery, names: list[str]) -> None:
    mist = float(stage.rng.uniform(0.25, 0.5)) if stage.rng.random() < 0.2 else 0.0
    shrink = (1.0, 0.8, 0.66)[len(names) - 1]
    spots: list[tuple[str, Spot]] = []
    for name in names:
        spots.append((name, _spot(stage, scenery, name, shrink, [s for _, s in spots], not spots)))
    for name, spot in sorted(spots, key=lambda entry: entry[1].y):
        _enter(stage, name, spot, mist)


def _spot(
    stage: Stage, scenery: Scenery, name: str, shrink: float, taken: list[Spot], first: bool
) -> Spot:
    rng, actor = stage.rng, CAST[name]
    size = float(rng.uniform(*actor.sizes)) * shrink * (1 if first else float(rng.uniform(0.6, 1)))
    mirrored = bool(rng.random() < 0.5)
    places = rng.uniform(0.12, 0.88, 3) * stage.aspect
    x = max(places, key=lambda place: min((abs(place - s.x) for s in taken), default=0.0))
    if first:
        x = stage.aspect * float(np.clip(rng.normal(0.5, 0.16), 0.05, 0.95))
    y, degrees = scenery.base + float(rng.uniform(-0.01, 0.03)), float(rng.normal(0, 2.5))
    if not first:
        y = float(rng.uniform(*scenery.floor))
    if name == "aeroplane":
        y, degrees = float(rng.uniform(0.25, 0.6)), float(rng.normal(-6, 12))
    elif name == "train":
        x += (-0.8 if not mirrored else 0.8) * size + float(rng.normal(0, 0.1))
        degrees = float(np.degrees(np.arctan(scenery.slope)))
    return Spot(float(x), y, size, -degrees if mirrored else degrees, mirrored)


def _enter(stage: Stage, name: str, spot: Spot, mist: float) -> None:
    actor = CAST[name]
    if name == "boat":
        stage.shadow(spot.x, spot.y + 0.06 * spot.size, 0.62 * spot.size, 0.14 * spot.size, 0.55)
    elif name != "aeroplane":
        across = 1.5 if name == "train" else 0.3 if name == "bottle" else 0.62
        stage.shadow(spot.x, spot.y, across * spot.size, 0.11 * spot.size, 0.6)
    stage.put(actor.draw, spot, number=NUMBER[name], texture=actor.texture, mist=mist)


def _far_distractors(stage: Stage, scenery: Scenery) -> None:
    rng = stage.rng
    count = int(rng.integers(0, 4)) if scenery.behind else 0
    for _ in range(count):
        name = scenery.behind[int(rng.integers(len(scenery.behind)))]
        y, size = scenery.horizon + float(rng.uniform(0.0, 0.08)), float(rng.uniform(0.14, 0.42))
        x = float(rng.uniform(0, stage.aspect))
        stage.shadow(x, y, 0.4 * size, 0.06 * size, 0.4)
        stage.put(DISTRACTORS[name], Spot(x, y, size), mist=0.25)
    if rng.random() < 0.3:
        x, y = float(rng.uniform(0, stage.aspect)), float(rng.uniform(0.25, 0.5)) * scenery.horizon
        spot = Spot(x, y + 0.1, float(rng.uniform(0.14, 0.3)))
        stage.put(DISTRACTORS[scenery.hangs], spot, mist=0.1)


def _near_distractors(stage: Stage, scenery: Scenery) -> None:
    rng = stage.rng
    count = int(rng.choice([0, 1, 2], p=[0.45, 0.4, 0.15])) if scenery.before else 0
    for _ in range(count):
        name = scenery.before[int(rng.integers(len(scenery.before)))]
        x, y = float(rng.uniform(0, stage.aspect)), float(rng.uniform(*scenery.floor)) + 0.03
        size = float(rng.uniform(0.14, 0.36))
        stage.shadow(x, y, 0.5 * size, 0.12 * size, 0.5)
        stage.put(DISTRACTORS[name], Spot(x, y, size))


def owners(items: list[Item], shape: tuple[int, int]) -> NDArray[np.uint8]:
    """1 + the number of the front item that covers at least half of a pixel, 0 for the ground."""
    owner = np.zeros(shape, np.uint8)
    for number, item in enumerate(items, 1):
        owner[item.cover > 127] = number
    return owner


def _finish(stage: Stage, owner: NDArray[np.uint8], border: int) -> Scene:
    size = (stage.width, stage.height)
    numbers = np.array([0, *(item.number for item in stage.items)], np.uint8)
    contexts = np.array([0, *(item.context for item in stage.items)], np.uint8)
    truth = numbers[owner]
    flat = cv2.resize(stage.context, size, interpolation=cv2.INTER_NEAREST)
    context = np.where(owner > 0, contexts[owner], flat).astype(np.uint8)
    saliency = detect(stage.rng, stage.items, owner, context)
    present = tuple(int(n) for n in np.unique(truth) if n)
    marked = _bordered(truth, numbers, owner, border)
    return Scene(photograph(stage, size), marked, context, saliency, present)


def _bordered(
    truth: Mask, numbers: NDArray[np.uint8], owner: NDArray[np.uint8], border: int
) -> Mask:
    """Outlines of figures, ``border`` pixels wide, become 255."""
    if border == 0:
        return truth
    figure = np.where(numbers[owner] > 0, owner, 0).astype(np.uint8)
    kernel = np.ones((border + 1, border + 1), np.uint8)
    edge = cv2.morphologyEx(figure, cv2.MORPH_GRADIENT, kernel) > 0
    return np.where(edge, np.uint8(IGNORE), truth)


def photograph(stage: Stage, size: tuple[int, int]) -> Image:
    """The canvas as a camera sees it: tinted light from one side, slight blur, grain."""
    rng, (width, height) = stage.rng, size
    picture = cv2.resize(stage.colour, size, interpolation=cv2.INTER_AREA).astype(np.float32)
    picture *= _light(rng, width, height)
    sigma = float(rng.uniform(0.25, 0.6)) * height / 96
    picture = cv2.GaussianBlur(picture, (0, 0), sigma)
    y, x = (int(rng.random() * n) for n in (height, width))
    picture += (
        np.float32(rng.uniform(2.0, 6.0)) * grain(height, width)[y : y + height, x : x + width]
    )
    return np.clip(picture, 0, 255).astype(np.uint8)


def _light(rng: Generator, width: int, height: int) -> FloatMap:
    """Brightness and tint of the light, (H, W, 3), falling off towards the corners."""
    lean_x, lean_y = rng.normal(0, 0.1, 2)
    x = np.linspace(-1, 1, width, dtype=np.float32)[None]
    y = np.linspace(-1, 1, height, dtype=np.float32)[:, None]
    fall = 1.02 + lean_x * x + lean_y * y - rng.uniform(0.02, 0.12) * (x * x + y * y)
    tint = 1 + rng.normal(0, 0.035, 3) + rng.normal(0, 0.06)
    return (fall[..., None] * tint).astype(np.float32)
