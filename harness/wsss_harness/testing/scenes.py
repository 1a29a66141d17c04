"""The few scenes that checks use, and the scores that refiners are checked with."""

from pathlib import Path
from typing import Any

import numpy as np

from wsss_harness.contract.hookspecs import Run
from wsss_harness.contract.supervision import IMAGE_LABELS
from wsss_harness.contract.types import ClassScores, Image, Sample
from wsss_harness.datasets.railscenes import RailScenes
from wsss_harness.system import files

SCENES = RailScenes(train=6, val=2, width=64, height=48)
MASKS = "masks"
ODD = (37, 53)  # a size that no stride divides


def draw(folder: Path) -> None:
    """Draw the scenes, and write the truth of train as masks for a segmentor."""
    SCENES.prepare(Run(folder))
    data = SCENES.open(folder)
    for image_id in data.ids("train"):
        files.write_mask(folder / MASKS / f"{image_id}.png", data.truth(image_id))


def without_objects(sample: Sample) -> Sample:
    """A sample with its image labels removed."""
    return Sample("without objects", lambda p: () if p == IMAGE_LABELS else sample.give(p))


def of_odd_size(sample: Sample) -> Sample:
    """A corner of a sample, of size ``ODD``."""

    def give(part: str) -> Any:
        value = sample.give(part)
        return value[: ODD[0], : ODD[1]].copy() if isinstance(value, np.ndarray) else value

    return Sample("of odd size", give)


def evidence(image: Image, present: tuple[int, ...]) -> ClassScores:
    """Scores that a refiner may start from: each present class prefers a place and a colour."""
    height, width = image.shape[:2]
    rows, columns = np.mgrid[:height, :width]
    values = np.zeros((len(present), height, width), np.float32)
    for k in range(len(present)):
        away = np.hypot(rows / height - 0.5, columns / width - (k + 1) / (len(present) + 1))
        values[k] = np.exp(-4 * away) * (0.5 + image[..., k % 3] / 510)
    return ClassScores(present, values)
