"""Checks of datasets: images, labels and truths are valid, and the same when prepared again."""

import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from wsss_harness.contract.errors import DataError
from wsss_harness.contract.findings import FAILURE, WARNING, Finding, judge
from wsss_harness.contract.hookspecs import Run
from wsss_harness.contract.supervision import SALIENCY, TRUTH, Dataset, without
from wsss_harness.contract.types import classes_in
from wsss_harness.plugins.offers import Offer
from wsss_harness.plugins.options import construct
from wsss_harness.stages.stage_data import open_dataset
from wsss_harness.suite.image_checks import (
    Check,
    CheckedImage,
    bad_labels,
    bad_map,
    bad_pixels,
    bad_truth,
    problem_of,
)

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
        invalid = _problem(first, "", bad_pixels, bad_labels)
        invalid = invalid or _problem(first, SALIENCY, bad_map(SALIENCY))
        yield judge("has valid images and supervision", invalid)
        missing = _problem(first, TRUTH, _no_truth)
        yield judge("has a truth, without which no mask is scored", missing, WARNING)
        if not missing:
            yield judge("has a valid truth", _problem(first, TRUTH, bad_truth))
            disagreement = _problem(first, TRUTH, _disagreement)
            yield judge("has image labels that agree with it", disagreement, WARNING)


def _opened(source: Any, folder: Path) -> Dataset:
    folder.mkdir()
    source.prepare(Run(folder))
    return open_dataset(source, folder)


def _problem(data: Dataset, part: str, *checks: Check) -> str | None:
    """What is wrong with the first of some images, of those that have this part."""
    for image_id in (*data.ids("train")[:SAMPLES], *data.ids("val")[:SAMPLES]):
        image = CheckedImage(data, {SALIENCY: data}, image_id)
        for check_image in () if part and without(data, part, [image_id]) else checks:
            if problem := problem_of(check_image, image, type(data).__name__):
                return f"image {problem}"
    return None


def _no_truth(image: CheckedImage) -> str | None:
    try:
        _ = image.truth
    except DataError as error:
        return f"{error}; it is of use for pretraining only"
    return None


def _disagreement(image: CheckedImage) -> str | None:
    drawn, present = classes_in(image.truth), set(image.present)
    if drawn == present:
        return None
    return f"its image labels are {sorted(present)}, its truth holds {sorted(drawn)}"
