"""Check that a record agrees with its own counts by image, to the last digit."""

import math
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from wsss_harness.contract.errors import DataError
from wsss_harness.metrics.confusion import Counts, Ratios, mean, named, ratio
from wsss_harness.system.digests import digest_file
from wsss_leaderboard.records import counts
from wsss_leaderboard.records.counts import MASKS, Tallies
from wsss_leaderboard.records.record import Record, load_record
from wsss_leaderboard.records.scores import Cause, Score
from wsss_leaderboard.statistics.estimates import miou

CLOSE = 1e-6  # relative; machines may add the terms of a sum in another order


def read(path: Path) -> tuple[Record, dict[str, Tallies]]:
    """Read a record and its counts.

    Raises:
        DataError: There are no counts, or not those that the record names.
    """
    record = load_record(path)
    counts_path = counts.path_of(path)
    if not record.counts:
        raise DataError(f"{path} has no counts by image; run the suite again with this version")
    tallies = counts.read(counts_path)
    digest = digest_file(counts_path)
    if digest != record.counts:
        raise DataError(
            f"{counts_path} has the digest {digest}, its record names {record.counts}: one of them "
            "was changed; make both again with `wsss run`"
        )
    return record, tallies


def problems(record: Record, tallies: Mapping[str, Tallies]) -> Iterator[str]:
    """Disagreements of a record with its counts, field by field."""
    if record.failure or record.masks is None:
        yield "the row did not finish; only complete rows can be checked"
        return
    labels = [segmentation.segmentor for segmentation in record.segmentations]
    if labels != list(record.recipe["segmentors"]):
        yield f"it has the segmentors {labels}, its recipe {record.recipe['segmentors']}"
    if list(tallies) != [MASKS, *labels]:
        yield f"its counts are of {list(tallies)}, expected {[MASKS, *labels]}"
        return
    protocol, masks = record.protocol, record.masks
    parts = [("masks", masks.score, masks.anatomy, masks.images, protocol.images)]
    parts += [
        (f"segmentations.{index}", s.score, s.anatomy, s.images, protocol.val_images)
        for index, s in enumerate(record.segmentations)
    ]
    for (field, score, anatomy, *images), target_tallies in zip(
        parts, tallies.values(), strict=True
    ):
        yield from _images(field, images, target_tallies)
        yield from _scores(f"{field}.score", score, record.classes, target_tallies.counts)
        yield from _causes(f"{field}.anatomy", anatomy, target_tallies.counts)


def _images(field: str, stated: list[int], tallies: Tallies) -> Iterator[str]:
    if len(set(tallies.ids)) != len(tallies.ids):
        yield f"{field}: an image is counted twice"
    if set(stated) != {len(tallies.ids)}:
        yield f"{field}.images is {stated[0]}, protocol {stated[1]}, counts {len(tallies.ids)}"


def _scores(field: str, score: Score, classes: tuple[str, ...], tallies: Counts) -> Iterator[str]:
    counted_ratios = ratios(tallies)
    for name, values in counted_ratios.items():
        stated, counted = getattr(score, name), float(mean(values))
        if stated != counted:
            change = points(stated, counted)
            yield f"{field}.{name} is {stated}, but its counts give {counted}{change}"
    yield from _by_class(f"{field}.iou", score.iou, classes, counted_ratios["miou"])
    if score.error is not None or score.t is not None:
        for name, value in standard_error(tallies).items():
            if not _close(stated := getattr(score, name), value):
                yield f"{field}.{name} is {stated}, but its counts give {value}"


def _by_class(
    field: str, stated: Mapping[str, float | None], classes: tuple[str, ...], class_ratios: Ratios
) -> Iterator[str]:
    if len(classes) != len(class_ratios):
        yield f"classes names {len(classes)} classes, but its counts are of {len(class_ratios)}"
        return
    counted = named(class_ratios, classes)
    for name in {**counted, **stated}:
        if stated.get(name) != counted.get(name):
            yield f"{field}.{name} is {stated.get(name)}, but its counts give {counted.get(name)}"


def _close(stated: float | None, counted: float | None) -> bool:
    if stated is None or counted is None:
        return stated is counted
    return math.isclose(stated, counted, rel_tol=CLOSE)


def standard_error(tallies: Counts) -> dict[str, float | None]:
    """The standard error of mIoU and the t of its interval; None with too few images."""
    estimate = miou(tallies)
    return {"error": estimate.error, "t": estimate.t if math.isfinite(estimate.t) else None}


def ratios(tallies: Counts) -> dict[str, Ratios]:
    """IoU, precision and recall by class from (n, C + 1, 3) tallies; a score holds their means."""
    hit, truth, mask = np.moveaxis(tallies.sum(0), -1, 0)
    return {
        "miou": ratio(hit, truth + mask - hit),
        "precision": ratio(hit, mask),
        "recall": ratio(hit, truth),
    }


def _causes(field: str, anatomy: Mapping[str, Cause], tallies: Counts) -> Iterator[str]:
    """Check that the causes of wrong pixels add up to all wrong pixels."""
    hit, truth, _ = np.moveaxis(tallies.sum((0, 1)), -1, 0)
    stated = math.fsum(cause.share or 0 for cause in anatomy.values())
    wrong = (truth - hit) / truth if truth else 0.0
    if anatomy and abs(stated - wrong) > CLOSE:
        yield f"{field}: its causes add up to {stated} of the pixels, but {wrong} are wrong"


def points(stated: float, counted: float) -> str:
    """The difference of two fractions in percentage points, in parentheses."""
    return f" ({100 * (counted - stated):+.2f} points)"
