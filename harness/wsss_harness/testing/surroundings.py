"""What some methods ask for in a check besides scenes: regions, and a generator to build on."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from wsss_harness.contract.hookspecs import Generator
from wsss_harness.contract.run import Previous, Run
from wsss_harness.contract.supervision import Dataset, Ledger, View
from wsss_harness.contract.texts import Texts
from wsss_harness.contract.types import ClassScores, Image, Regions
from wsss_harness.plugins.registry import installed

BLOCK = 8  # pixels
MADE = "made.txt"


@dataclass(frozen=True)
class WithBlocks:
    """A dataset whose regions are square blocks, and whose classes have texts."""

    dataset: Dataset

    def __getattr__(self, name: str) -> Any:
        return getattr(self.dataset, name)

    def texts(self, image_id: str) -> Texts:
        """The names of the classes as their prompts, and two words for the background."""
        prompts = tuple((name,) for name in self.dataset.classes)
        return Texts(prompts, ("building", "fence"))

    def regions(self, image_id: str) -> Regions:
        height, width = self.dataset.image(image_id).shape[:2]
        rows, columns = (np.arange(length) // BLOCK for length in (height, width))
        blocks: Regions = (rows[:, None] * (columns[-1] + 1) + columns).astype(np.int32)
        return blocks


def previous_of(method: Any, data: Dataset, folder: Path) -> Previous | None:
    """The generator that ``method`` usually follows, with quick options, fitted into ``folder``."""
    name = getattr(method, "follows", None)
    if name is None:
        return None
    quick = getattr(installed().dataclass_of("generator", name), "quick", {})
    generator: Generator = installed().build("generator", name, dict(quick))
    if not (folder / MADE).is_file():
        folder.mkdir(parents=True, exist_ok=True)
        view = View(data, "train", generator.needs, Ledger(folder / "read"), f"generator '{name}'")
        generator.fit(view, Run(folder, previous=previous_of(generator, data, folder / "previous")))
        (folder / MADE).touch()
    return Previous(generator, folder)


def evidence(image: Image, present: tuple[int, ...]) -> ClassScores:
    """Scores that a refiner may start from: each present class prefers a place and a colour."""
    height, width = image.shape[:2]
    rows, columns = np.mgrid[:height, :width]
    values = np.zeros((len(present), height, width), np.float32)
    for k in range(len(present)):
        away = np.hypot(rows / height - 0.5, columns / width - (k + 1) / (len(present) + 1))
        values[k] = np.exp(-4 * away) * (0.5 + image[..., k % 3] / 510)
    return ClassScores(present, values)
