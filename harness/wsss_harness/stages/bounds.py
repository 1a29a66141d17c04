"""Bounds: masks made from the truth, or from nothing, that no method could make.

The ledger notes what a bound reads, and the tables mark it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from wsss_harness.contract.supervision import (
    IMAGE_LABELS,
    SALIENCY,
    TRUTH,
    Dataset,
    Ledger,
    scored_ids,
)
from wsss_harness.contract.types import BACKGROUND, IGNORE, ClassScores, Mask
from wsss_harness.metrics.boundary import fill_ignored
from wsss_harness.stages.products import MASK, SCORES, remaining
from wsss_harness.stages.stage_data import TRAIN, StageData
from wsss_harness.store.work import Work
from wsss_harness.system import pictures
from wsss_harness.system.score_files import write_scores

Bound = Callable[[Dataset, str, Ledger], Mask]
STRIDES = (8, 16)  # of the class maps of released code: ResNet38's and ResNet50's
NEAREST = f"Truth at stride {STRIDES[0]}"
SUPERVISED = "Full supervision"


def all_background(dataset: Dataset, image_id: str, ledger: Ledger) -> Mask:
    """The mask of a method that finds nothing."""
    return np.zeros(dataset.image(image_id).shape[:2], np.uint8)


def largest_everywhere(dataset: Dataset, image_id: str, ledger: Ledger) -> Mask:
    """Paint every pixel with the image label whose class covers the most pixels of the truth.

    This is what image labels allow without any location. Ties go to the first class; an image
    without a class is background.
    """
    ledger.note(IMAGE_LABELS)
    ledger.note(TRUTH)
    truth, present = dataset.truth(image_id), dataset.present(image_id)
    area = np.bincount(truth.ravel(), minlength=IGNORE + 1)
    largest = max(present, key=lambda number: area[number], default=BACKGROUND)
    return np.full_like(truth, largest)


def salient_true_classes(dataset: Dataset, image_id: str, ledger: Ledger) -> Mask:
    """Paint saliency above 0.5 with the class of the nearest pixel of a true object.

    This is what saliency allows when classes are known. Without an object all is background.
    """
    ledger.note(TRUTH)
    ledger.note(SALIENCY)
    salient = dataset.saliency(image_id) > 0.5
    truth = dataset.truth(image_id)
    return np.where(salient, nearest_class(truth), np.uint8(BACKGROUND))


def nearest_class(truth: Mask) -> Mask:
    """The class of the object pixel nearest to each pixel, (H, W); background without one."""
    objects = (truth != BACKGROUND) & (truth != IGNORE)
    return fill_ignored(truth, ~objects) if objects.any() else np.zeros_like(truth)


def whole_truth(dataset: Dataset, image_id: str, ledger: Ledger) -> Mask:
    """The truth itself, to train a segmentor with full supervision."""
    ledger.note(TRUTH)
    return dataset.truth(image_id)


def at_stride(stride: int, dataset: Dataset, image_id: str, ledger: Ledger) -> Mask:
    """The truth at the stride of class maps: the class that covers most of each square."""
    ledger.note(TRUTH)
    values, cover = coverage(dataset.truth(image_id), stride)
    mask: Mask = values[cover.argmax(0)]
    return mask


def perfect_seed(stride: int, dataset: Dataset, image_id: str, ledger: Ledger) -> ClassScores:
    """The truth as class maps of this stride: the share of each square that a class covers."""
    ledger.note(TRUTH)
    values, cover = coverage(dataset.truth(image_id), stride)
    return ClassScores(tuple(map(int, values[1:])), cover[1:])


def coverage(truth: Mask, stride: int) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """Background and classes of the truth, (1 + K,), and their maps, (1 + K, H, W) in [0, 1].

    A map is the share of a class among the pixels of each square of ``stride`` pixels that are not
    ignored, enlarged again by bilinear interpolation. Squares of ignored pixels are background.
    """
    import cv2

    height, width = truth.shape
    counted = truth != IGNORE
    values = np.union1d([np.uint8(BACKGROUND)], truth[counted])
    missing = (0, -height % stride), (0, -width % stride)

    def pixels(places: NDArray[np.bool_]) -> NDArray[np.float32]:
        blocks = np.pad(places, missing).reshape(-1, stride, (width - 1) // stride + 1, stride)
        counts: NDArray[np.float32] = blocks.sum((1, 3), dtype=np.float32)
        return counts

    total = pixels(counted)
    shares = np.stack([pixels(truth == value) for value in values]) / np.maximum(total, 1)
    shares[0] += total == 0
    size = shares.shape[2] * stride, shares.shape[1] * stride
    cover = np.stack([cv2.resize(share, size, interpolation=cv2.INTER_LINEAR) for share in shares])
    return values, cover[:, :height, :width].clip(0, 1)


OF_SALIENCY: Mapping[str, Bound] = {"Saliency, true classes": salient_true_classes}
BOUNDS: Mapping[str, Bound] = {
    "All background": all_background,
    "Image labels everywhere": largest_everywhere,
    **{f"Truth at stride {stride}": partial(at_stride, stride) for stride in STRIDES},
}


@dataclass(frozen=True)
class PaintBound:
    """Writes masks that no method could make, for the scored images or all of train."""

    data: StageData
    paint: Bound
    whole_train: bool = False

    def __call__(self, work: Work) -> None:
        dataset = self.data.open(work)
        ids = dataset.ids(TRAIN) if self.whole_train else scored_ids(dataset)
        for image_id, path in remaining(work, ids, MASK):
            pictures.write_mask(path, self.paint(dataset, image_id, work.ledger))


@dataclass(frozen=True)
class PaintSeeds:
    """Writes scores of every image of train that no method could make."""

    data: StageData
    seed: Callable[[Dataset, str, Ledger], ClassScores]

    def __call__(self, work: Work) -> None:
        dataset = self.data.open(work)
        for image_id, path in remaining(work, dataset.ids(TRAIN), SCORES):
            write_scores(path, self.seed(dataset, image_id, work.ledger))
