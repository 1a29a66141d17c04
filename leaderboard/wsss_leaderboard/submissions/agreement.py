"""Check that a record agrees with its counts by image, and with its masks and the ground truth."""

import itertools
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from wsss_harness.contract.errors import DataError
from wsss_harness.contract.supervision import Dataset
from wsss_harness.contract.types import Mask
from wsss_harness.metrics import METRICS
from wsss_harness.metrics.confusion import Counts
from wsss_leaderboard.ranking.entries import LoadedRecord, load_file
from wsss_leaderboard.records.counts import MASKS, Tallies
from wsss_leaderboard.records.record import Record
from wsss_leaderboard.records.scores import Cause, Masks, Score, Segmentation, score_of
from wsss_leaderboard.statistics.estimates import miou, tallies_of
from wsss_leaderboard.submissions import rowpacks

CLOSE = 1e-6  # relative; machines may add the terms of a sum in another order
COUNTED, MEASURED = "but its counts give", "measured again"


def read(path: Path, limit: int | None = None) -> LoadedRecord:
    """Read a record with its counts, which may unpack to at most ``limit`` bytes.

    Raises:
        DataError: There are no counts, or not those that the record names.
    """
    run = load_file(path, limit)
    if not run.record.counts:
        raise DataError(f"{path} has no counts by image; run the suite again with this version")
    return run


def problems(record: Record, tallies: Mapping[str, Tallies]) -> Iterator[str]:
    if record.failure or record.masks is None:
        yield "the row did not finish; only complete rows can be checked"
        return
    labels = [segmentation.segmentor for segmentation in record.segmentations]
    if labels != list(record.recipe["segmentors"]):
        yield f"it has the segmentors {labels}, its recipe {record.recipe['segmentors']}"
    if list(tallies) != [MASKS, *labels]:
        yield f"its counts are of {list(tallies)}, expected {[MASKS, *labels]}"
        return
    protocol = record.protocol
    parts: list[tuple[str, Masks | Segmentation, int]]
    parts = [("masks", record.masks, protocol.images)]
    parts += [
        (f"segmentations.{index}", segmentation, protocol.val_images)
        for index, segmentation in enumerate(record.segmentations)
    ]
    for (field, part, images), target_tallies in zip(parts, tallies.values(), strict=True):
        yield from _images(field, [part.images, images], target_tallies)
        yield from _scores(f"{field}.score", part.score, record.classes, target_tallies.counts)
        yield from _causes(f"{field}.anatomy", part.anatomy, target_tallies.counts)


def _images(field: str, stated: list[int], tallies: Tallies) -> Iterator[str]:
    if len(set(tallies.ids)) != len(tallies.ids):
        yield f"{field}: an image is counted twice"
    if set(stated) != {len(tallies.ids)}:
        yield f"{field}.images is {stated[0]}, protocol {stated[1]}, counts {len(tallies.ids)}"


def _scores(field: str, score: Score, classes: tuple[str, ...], tallies: Counts) -> Iterator[str]:
    if len(classes) != tallies.shape[1]:
        yield f"classes names {len(classes)} classes, but its counts are of {tallies.shape[1]}"
        return
    counted = score_of(tallies.sum(0), classes).model_dump(exclude_unset=True)
    yield from differences(score.model_dump(include=set(counted)), counted, field, COUNTED, 0)
    if score.error is not None or score.t is not None:
        for name, value in standard_error(tallies).items():
            if not _close(stated := getattr(score, name), value):
                yield f"{field}.{name} is {stated}, {COUNTED} {value}"


def _close(stated: float | None, counted: float | None) -> bool:
    if stated is None or counted is None:
        return stated is counted
    return math.isclose(stated, counted, rel_tol=CLOSE)


def standard_error(tallies: Counts) -> dict[str, float | None]:
    """The standard error of mIoU and the t of its interval; None with too few images."""
    estimate = miou(tallies)
    return {"error": estimate.error, "t": estimate.t if math.isfinite(estimate.t) else None}


def _causes(field: str, anatomy: Mapping[str, Cause], tallies: Counts) -> Iterator[str]:
    """Check that the causes of wrong pixels add up to all wrong pixels."""
    hit, truth, _ = np.moveaxis(tallies.sum((0, 1)), -1, 0)
    stated = math.fsum(cause.share or 0 for cause in anatomy.values())
    wrong = (truth - hit) / truth if truth else 0.0
    if anatomy and abs(stated - wrong) > CLOSE:
        yield f"{field}: its causes add up to {stated} of the pixels, but {wrong} are wrong"


RATIOS = 1e-9  # tolerance of ratios measured again; counts are compared exactly


@dataclass(frozen=True, eq=False)
class Measurement:
    """Counts of some masks: tallies by image, and totals over all images by metric."""

    tallies: Tallies
    totals: Mapping[str, Counts]
    dataset: Dataset

    @property
    def names(self) -> tuple[str, ...]:
        return ("background", *self.dataset.classes)

    def read(self, metric: str) -> dict[str, Any]:
        return METRICS[metric].read(self.totals[metric], self.names, self.dataset.contexts)

    def masks(self, before: Masks) -> Masks:
        """``before`` with the metrics measured now; what needs scores, like the curve, is kept."""
        metrics = {name: self.read(name) for name in ("boundary", "large", "anatomy")}
        if self.dataset.contexts:
            metrics["cooccurrence"] = self.read("cooccurrence")
        return Masks.model_validate(
            {**before.model_dump(), **metrics, **self._common(before.score)}
        )

    def segmentation(self, before: Segmentation) -> Segmentation:
        from wsss_harness.networks.segmentors import metric

        metrics = {
            "anatomy": self.read("anatomy"),
            "mmseg": metric.read([self.totals["confusion"]], self.names),
            **self._common(before.score),
        }
        return Segmentation.model_validate({**before.model_dump(), **metrics})

    def _common(self, before: Score) -> dict[str, Any]:
        ratios = score_of(self.tallies.counts.sum(0), self.names).model_dump(exclude_unset=True)
        if before.error is not None:
            ratios |= standard_error(self.tallies.counts)
        return {"images": len(self.tallies.ids), "score": ratios}


def disagreements(
    record: Record, tallies: Mapping[str, Tallies], packs: Path, dataset: Dataset | None
) -> Iterator[str]:
    """Disagreements of a record with its masks; without a dataset, masks are only read.

    Raises:
        DataError: A pack is not of these images, or a mask is not the one that its pack lists.
    """
    parts: list[Masks | Segmentation] = [*((record.masks,) if record.masks else ())]
    parts += record.segmentations
    folders = rowpacks.folders(packs, record)
    for (target, folder), before in zip(folders.items(), parts, strict=True):
        ids, classes = tallies[target].ids, len(before.score.iou) - 1
        pack = rowpacks.opened(folder, ids, classes, dataset)
        if dataset is None:
            for image_id in ids:
                pack.mask(image_id)
        else:
            measured = measure(dataset, ids, pack.mask)
            yield from _unlike(before, tallies[target], measured, target or "masks")


def _unlike(
    before: Masks | Segmentation, tallies: Tallies, measured: Measurement, field: str
) -> Iterator[str]:
    """Metrics of a target, and images, that are not as they were measured again."""
    after = measured.masks(before) if isinstance(before, Masks) else measured.segmentation(before)
    yield from differences(before.model_dump(), after.model_dump(), field)
    yield from other_images(tallies, measured.tallies, field)


def measure(dataset: Dataset, ids: Sequence[str], mask_of: Callable[[str], Mask]) -> Measurement:
    """Count the masks of some images, one at a time.

    Raises:
        DataError: A mask or its ground truth is missing or damaged.
    """
    totals: dict[str, Counts] = {}
    tallies = []
    for image_id in ids:
        mask, truth = mask_of(image_id), dataset.truth(image_id)
        images = (truth, mask, len(dataset.classes), dataset.context(image_id))
        counted = {name: metric.count(*images) for name, metric in METRICS.items()}
        tallies.append(tallies_of(counted["confusion"]))
        totals = {name: totals.get(name, 0) + counts for name, counts in counted.items()}
    return Measurement(Tallies(tuple(ids), np.stack(tallies)), totals, dataset)


def other_images(before: Tallies, after: Tallies, field: str) -> Iterator[str]:
    """The number of images whose counts differ, and the first of them."""
    differing = (before.counts != after.counts).any((1, 2))
    if differing.any():
        first = before.ids[int(differing.argmax())]
        count = f"{int(differing.sum())} of {len(differing)}"
        yield f"{field}: {count} images have other counts than their masks, first {first}"


def differences(
    before: Any, after: Any, field: str, source: str = MEASURED, tolerance: float = RATIOS
) -> Iterator[str]:
    if isinstance(before, dict) and isinstance(after, dict):
        pairs = [(name, before.get(name), after.get(name)) for name in {**after, **before}]
    elif isinstance(before, tuple) and isinstance(after, tuple) and len(before) == len(after):
        pairs = list(zip(itertools.count(), before, after, strict=False))
    elif isinstance(before, float) and isinstance(after, float):
        if not math.isclose(before, after, rel_tol=tolerance, abs_tol=tolerance):
            change = 100 * (after - before)
            yield f"{field} is {before}, {source} {after} ({change:+.2f} points)"
        return
    else:
        if before != after:
            yield f"{field} is {before}, {source} {after}"
        return
    for name, old, new in pairs:
        yield from differences(old, new, f"{field}.{name}", source, tolerance)
