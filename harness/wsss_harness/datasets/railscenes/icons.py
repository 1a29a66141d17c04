"""Icons: one class of RailScenes or distractor on the background of a random setting."""

import numpy as np

from wsss_harness.contract.types import Image
from wsss_harness.datasets.railscenes.canvas import Canvas, Spot
from wsss_harness.datasets.railscenes.cast import CAST, CLASSES
from wsss_harness.datasets.railscenes.compose import photograph
from wsss_harness.datasets.railscenes.distractors import DISTRACTORS
from wsss_harness.datasets.railscenes.settings import SETTINGS

FURTHER = tuple(name for name in DISTRACTORS if name not in ("bush", "cushion", "fence", "picture"))
ICON_CLASSES = (*CLASSES, *FURTHER)

# Sizes in picture heights that fill about two thirds of a square picture.
FILLING = {"train": 0.42, "bottle": 0.85, "container": 0.4, "hay bale": 0.7, "boulder": 0.6}


def icon(seed: int, index: int, width: int, height: int) -> tuple[Image, str]:
    """Icon ``index`` of ``seed``, (H, W, 3), and the name of the thing that it shows."""
    rng = np.random.Generator(np.random.PCG64([seed, index, 3]))
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
