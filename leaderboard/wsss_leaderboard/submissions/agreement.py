"""Whether a record says what its own counts by image say, to the last digit."""

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

CLOSE = 1e-6  # of sums whose terms machines may add in another order


def read(path: Path) -> tuple[Record, dict[str, Tallies]]:
    """The record in a file and its counts.

    Raises:
        DataError: there are none, or they are not those that the record names.
    """
    record = load_record(path)
    place = counts.path_of(path)
    if not record.counts:
        raise DataError(f"{path} has no counts by image; run the suite again with this version")
    tallies = counts.read(place)
    found = digest_file(place)
    if found != record.counts:
        raise DataError(
            f"{place} has the digest {found}, its record names {record.counts}: one of them was "
            "changed; make both again with `wsss run`"
        )
    return record, tallies


def problems(record: Record, tallies: Mapping[str, Tallies]) -> Iterator[str]:
    """What a record says otherwise than its counts, field by field."""
    if record.failure or record.masks is None:
        yield "the row did not finish; only complete rows can be checked"
        return
    labels = [one.segmentor for one in record.segmentations]
    if labels != list(record.recipe["segmentors"]):
        yield f"it has the segmentors {labels}, its recipe {record.recipe['segmentors']}"
    if list(tallies) != [MASKS, *labels]:
        yield f"its counts are of {list(tallies)}, expected {[MASKS, *labels]}"
        return
    protocol, masks = record.protocol, record.masks
    parts = [("masks", masks.score, masks.anatomy, masks.images, protocol.images)]
    parts += [
        (f"segmentations.{place}", one.score, one.anatomy, one.images, protocol.val_images)
        for place, one in enumerate(record.segmentations)
    ]
    for (field, score, anatomy, *images), one in zip(parts, tallies.values(), strict=True):
        yield from _images(field, images, one)
        yield from _scores(f"{field}.score", score, record.classes, one.counts)
        yield from _causes(f"{field}.anatomy", anatomy, one.counts)


def _images(field: str, said: list[int], tallies: Tallies) -> Iterator[str]:
    if len(set(tallies.ids)) != len(tallies.ids):
        yield f"{field}: an image is counted twice"
    if set(said) != {len(tallies.ids)}:
        yield f"{field}.images is {said[0]}, protocol {said[1]}, counts {len(tallies.ids)}"


def _scores(field: str, score: Score, classes: tuple[str, ...], tallies: Counts) -> Iterator[str]:
    found = ratios(tallies)
    for name, values in found.items():
        said, counted = getattr(score, name), float(mean(values))
        if said != counted:
            yield f"{field}.{name} is {said}, but its counts give {counted}{points(said, counted)}"
    yield from _by_class(f"{field}.iou", score.iou, classes, found["miou"])
    if score.error is not None or score.t is not None:
        for name, sure in sureness(tallies).items():
            if not _close(said := getattr(score, name), sure):
                yield f"{field}.{name} is {said}, but its counts give {sure}"


def _by_class(
    field: str, said: Mapping[str, float | None], classes: tuple[str, ...], found: Ratios
) -> Iterator[str]:
    if len(classes) != len(found):
        yield f"classes names {len(classes)} classes, but its counts are of {len(found)}"
        return
    counted = named(found, classes)
    for name in {**counted, **said}:
        if said.get(name) != counted.get(name):
            yield f"{field}.{name} is {said.get(name)}, but its counts give {counted.get(name)}"


def _close(said: float | None, counted: float | None) -> bool:
    if said is None or counted is None:
        return said is counted
    return math.isclose(said, counted, rel_tol=CLOSE)


def sureness(tallies: Counts) -> dict[str, float | None]:
    """The standard error of mIoU, and its t; None where images are too few for one."""
    estimate = miou(tallies)
    return {"error": estimate.error, "t": estimate.t if math.isfinite(estimate.t) else None}


def ratios(tallies: Counts) -> dict[str, Ratios]:
    """By class, from (n, C + 1, 3) tallies, the ratios whose means a score has."""
    hit, truth, mask = np.moveaxis(tallies.sum(0), -1, 0)
    return {
        "miou": ratio(hit, truth + mask - hit),
        "precision": ratio(hit, mask),
        "recall": ratio(hit, truth),
    }


def _causes(field: str, anatomy: Mapping[str, Cause], tallies: Counts) -> Iterator[str]:
    """The causes of wrong pixels add up to all of them."""
    hit, truth, _ = np.moveaxis(tallies.sum((0, 1)), -1, 0)
    said = math.fsum(cause.share or 0 for cause in anatomy.values())
    wrong = (truth - hit) / truth if truth else 0.0
    if anatomy and abs(said - wrong) > CLOSE:
        yield f"{field}: its causes add up to {said} of the pixels, but {wrong} are wrong"


def points(said: float, counted: float) -> str:
    """By how many points of a percentage two fractions differ."""
    return f" ({100 * (counted - said):+.2f} points)"
