"""A whole outside plugin: a generator that finds classes by their colours."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from wsss_harness import ClassScores, Image, Sample, hookimpl

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from wsss_harness import Run, View

wsss_contract = 1


@dataclass(frozen=True)
class Colours:
    """A pixel scores how much more often its colour occurs in images of the class than in others.

    ``levels``: how many steps of red, of green and of blue are told apart.
    """

    paper: ClassVar[str] = "an example of wsss-bench"
    needs: ClassVar[frozenset[str]] = frozenset({"image_labels"})

    levels: int = 8

    def fit(self, data: View, run: Run) -> None:
        """Count the colours of images with and without each class, and write evidence.npy."""
        counts = np.ones((2, len(data.classes), self.levels**3))
        for done, image_id in enumerate(data, 1):
            sample = data[image_id]
            counted = np.bincount(self.colours(sample.image).ravel(), minlength=self.levels**3)
            for index in range(len(data.classes)):
                counts[int(index + 1 in sample.present), index] += counted
            run.progress(done, len(data))
        without, within = counts / counts.sum(2, keepdims=True)
        np.save(run.folder / "evidence.npy", within / (without + within))

    def load(self, folder: Path, device: str) -> Callable[[Sample], ClassScores]:
        """Look the colour of each pixel up, for the classes of the image."""
        evidence = np.load(folder / "evidence.npy").astype(np.float32)

        def score(sample: Sample) -> ClassScores:
            present = np.array(sample.present, int)  # may be empty
            return ClassScores(sample.present, evidence[present - 1][:, self.colours(sample.image)])

        return score

    def colours(self, image: Image) -> NDArray[np.int64]:
        """The number of each pixel's colour, (H, W)."""
        steps = image.astype(np.int64) * self.levels // 256
        return steps @ np.array([self.levels**2, self.levels, 1])


@hookimpl
def wsss_generators() -> dict[str, type[Colours]]:
    return {"colours": Colours}
