"""Checks of datasets: images, labels and truths are valid, and the same when prepared again."""

import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from wsss_harness.contract.classes import check_classes
from wsss_harness.contract.errors import DataError
from wsss_harness.contract.findings import FAILURE, WARNING, Finding, judge
from wsss_harness.contract.hookspecs import Run
from wsss_harness.contract.supervision import SALIENCY, TRUTH, Dataset, without
from wsss_harness.contract.types import IGNORE, classes_in, unknown_value
from wsss_harness.plugins.offers import Offer
from wsss_harness.plugins.options import construct

SAMPLES = 20  # images of each split that are checked


def check(offer: Offer, options: Mapping[str, Any]) -> Iterator[Finding]:
    """Prepare twice, each in its own folder, and check some images of both splits."""
    source = construct(f"dataset '{offer.name}'", offer.announced, options)
    with tempfile.TemporaryDirectory(prefix="wsss-check-") as scratch:
        folders = [Path(scratch) / name for name in ("first", "again")]
        try:
            first, again = (_opened(source, folder) for folder in folders)
        except Exception as error:
            yield Finding("is prepared and opened", FAILURE, f"{type(error).__name__}: {error}")
            return
        yield Finding("is prepared and opened")
        same = first.fingerprint() == again.fingerprint()
        problem = "its fingerprint differs; what is drawn must depend on its options alone"
        yield judge("is the same when it is prepared again", None if same else problem)
        yield judge("keeps train and val apart", _shared(first))
        yield judge("has valid images and supervision", _problem(first, _invalid_sample))
        missing = _problem(first, _no_truth)
        yield judge("has a truth, without which no mask is scored", missing, WARNING)
        if not missing:
            yield judge("has a valid truth", _problem(first, _invalid_truth))
            yield judge(
                "has image labels that agree with it", _problem(first, _disagreement), WARNING
            )


def _opened(source: Any, folder: Path) -> Dataset:
    folder.mkdir()
    source.prepare(Run(folder))
    dataset: Dataset = source.open(folder)
    check_classes(dataset.classes, f"dataset {type(source).__name__}")
    return dataset


def _shared(data: Dataset) -> str | None:
    both = sorted(set(data.ids("train")) & set(data.ids("val")))
    return f"image {both[0]} is in both; take it out of one" if both else None


def _problem(data: Dataset, check_image: Callable[[Dataset, str], str | None]) -> str | None:
    for image_id in (*data.ids("train")[:SAMPLES], *data.ids("val")[:SAMPLES]):
        try:
            problem = check_image(data, image_id)
        except Exception as error:
            problem = f"{type(error).__name__}: {error}"
        if problem:
            return f"image {image_id}: {problem}"
    return None


def _invalid_sample(data: Dataset, image_id: str) -> str | None:
    image, present, classes = data.image(image_id), data.present(image_id), len(data.classes)
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
        return f"its pixels are {image.dtype} {image.shape}; expected uint8 (H, W, 3)"
    if list(present) != sorted(set(present)) or not set(present) <= set(range(1, classes + 1)):
        return f"its classes are {present}; expected ascending numbers in 1..{classes}"
    if not without(data, SALIENCY, [image_id]):
        saliency = data.saliency(image_id)
        if saliency.shape != image.shape[:2] or not 0 <= saliency.min() <= saliency.max() <= 1:
            return f"its saliency is {saliency.shape}; expected {image.shape[:2]} in [0, 1]"
    return None


def _no_truth(data: Dataset, image_id: str) -> str | None:
    """What is wrong with an image that has no truth, unless the dataset says so."""
    try:
        data.truth(image_id)
    except DataError as error:
        if without(data, TRUTH, [image_id]):
            return None
        return f"{error}; it is of use for pretraining only"
    return None


def _invalid_truth(data: Dataset, image_id: str) -> str | None:
    if without(data, TRUTH, [image_id]):
        return None
    shape, truth, classes = data.image(image_id).shape[:2], data.truth(image_id), len(data.classes)
    if truth.shape != shape or truth.dtype != np.uint8:
        return f"its truth is {truth.dtype} {truth.shape}; expected uint8 {shape}"
    if (unknown := unknown_value(truth, classes)) is not None:
        return f"its truth holds {unknown}; expected 0..{classes} or {IGNORE}"
    return None


def _disagreement(data: Dataset, image_id: str) -> str | None:
    if without(data, TRUTH, [image_id]):
        return None
    drawn = classes_in(data.truth(image_id))
    present = set(data.present(image_id))
    if drawn != present:
        return f"its image labels are {sorted(present)}, its truth holds {sorted(drawn)}"
    return None
