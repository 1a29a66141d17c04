"""Labels of IRN: the pixels of a sure class, sure background, and unknown pixels.

Ahn, Cho and Kwak, CVPR 2019, section 4.2; jiwoon-ahn/irn, step/cam_to_ir_label.py.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from wsss_harness import BACKGROUND, IGNORE, Mask, PluginError, write_mask
from wsss_harness.networks.crf import infer
from wsss_harness.system.pictures import read_indices

if TYPE_CHECKING:
    from wsss_harness import ClassScores, Image, View
    from wsss_harness.networks.crf import Maps, Parameters
    from wsss_irn.settings import IrnSettings

Indices = NDArray[np.int64]  # (H, W): 0 background, k + 1 for the k-th class of the scores


def above(values: Maps, threshold: float) -> Indices:
    """The class with the largest of ``values`` (K, H, W), 0 where none is above ``threshold``.

    Compared in single precision, and the background wins a tie, as released.
    """
    constant = np.full((1, *values.shape[1:]), threshold, np.float32)
    indices: Indices = np.concatenate([constant, values]).argmax(0)
    return indices


def sharpened(image: Image, indices: Indices, channels: int, parameters: Parameters) -> Indices:
    """The labels of a CRF whose ``parameters`` say how sure ``indices`` in 0..channels - 1 are."""
    one_hot = indices == np.arange(channels)[:, None, None]
    after: Indices = infer(image, one_hot.astype(np.float32), parameters).argmax(0)
    return after


def sure_labels(careful: Indices, eager: Indices, classes: tuple[int, ...]) -> Mask:
    """(H, W): the class of ``careful``, or background where also ``eager`` has none, or 255."""
    numbers = np.array((BACKGROUND, *classes), np.uint8)
    rest = np.where(eager > 0, IGNORE, BACKGROUND)
    return np.where(careful > 0, numbers[careful], rest).astype(np.uint8)


def labels_of(image: Image, scores: ClassScores, settings: IrnSettings) -> Mask:
    """The labels of an image; without classes it is background."""
    parameters = settings.parameters()
    both = [above(scores.values, t) for t in (settings.sure_foreground, settings.sure_background)]
    if parameters is not None and scores.classes:
        channels = len(scores.classes) + 1
        both = [sharpened(image, indices, channels, parameters) for indices in both]
    careful, eager = both
    return sure_labels(careful, eager, scores.classes)


@dataclass(frozen=True)
class LabelFiles:
    """Labels by image id, each made once and stored in a folder: a CRF is slow."""

    folder: Path
    data: View
    scores: Callable[[str], ClassScores]
    settings: IrnSettings

    def __call__(self, image_id: str) -> Mask:
        return read_indices(self.path(image_id))

    def store(self, image_id: str) -> None:
        if not self.path(image_id).is_file():
            sample, scores = self.data[image_id], self.scores(image_id)
            sample.check_size(scores.size, "scores", PluginError)
            write_mask(self.path(image_id), labels_of(sample.image, scores, self.settings))

    def path(self, image_id: str) -> Path:
        return self.folder / f"{image_id}.png"
