"""Measure the metrics of a row again, from its masks and the ground truth."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from wsss_harness.contract.supervision import Dataset
from wsss_harness.contract.types import Mask
from wsss_harness.metrics import METRICS
from wsss_harness.metrics.confusion import Counts
from wsss_leaderboard.records.counts import Tallies
from wsss_leaderboard.records.record import Record
from wsss_leaderboard.records.scores import Masks, Score, Segmentation, score_of
from wsss_leaderboard.statistics.estimates import tallies_of
from wsss_leaderboard.submissions import rowpacks
from wsss_leaderboard.submissions.agreement import points, standard_error

CLOSE = 1e-9  # of ratios; counts are compared exactly


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
        ratios = score_of(self.totals["confusion"], self.names).model_dump(exclude_unset=True)
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
            continue
        measured = measure(dataset, ids, pack.mask)
        after = (
            measured.masks(before) if isinstance(before, Masks) else measured.segmentation(before)
        )
        field = target or "masks"
        yield from differences(before.model_dump(), after.model_dump(), field)
        yield from other_images(tallies[target], measured.tallies, field)


def measure(dataset: Dataset, ids: Sequence[str], mask_of: Callable[[str], Mask]) -> Measurement:
    """Count the masks of some images, one at a time.

    Raises:
        DataError: A mask or its ground truth is missing or damaged.
    """
    totals: dict[str, Counts] = {}
    tallies = []
    for image_id in ids:
        counted = _count(dataset, image_id, mask_of(image_id))
        tallies.append(tallies_of(counted["confusion"]))
        totals = {name: totals.get(name, 0) + counts for name, counts in counted.items()}
    return Measurement(Tallies(tuple(ids), np.stack(tallies)), totals, dataset)


def _count(dataset: Dataset, image_id: str, mask: Mask) -> dict[str, Counts]:
    truth, context = dataset.truth(image_id), dataset.context(image_id)
    classes = len(dataset.classes)
    return {name: metric.count(truth, mask, classes, context) for name, metric in METRICS.items()}


def other_images(before: Tallies, after: Tallies, field: str) -> Iterator[str]:
    """The number of images whose counts differ, and the first of them."""
    differing = (before.counts != after.counts).any((1, 2))
    if differing.any():
        first = before.ids[int(differing.argmax())]
        count = f"{int(differing.sum())} of {len(differing)}"
        yield f"{field}: {count} images have other counts than their masks, first {first}"


def differences(before: Any, after: Any, field: str) -> Iterator[str]:
    """Differences between two versions of a part of a record, field by field."""
    if isinstance(before, dict) and isinstance(after, dict):
        for name in {**before, **after}:
            yield from differences(before.get(name), after.get(name), f"{field}.{name}")
    elif isinstance(before, tuple) and isinstance(after, tuple) and len(before) == len(after):
        for index, (old, new) in enumerate(zip(before, after, strict=True)):
            yield from differences(old, new, f"{field}.{index}")
    elif isinstance(before, float) and isinstance(after, float):
        if not math.isclose(before, after, rel_tol=CLOSE, abs_tol=CLOSE):
            yield f"{field} is {before}, measured again {after}{points(before, after)}"
    elif before != after:
        yield f"{field} is {before}, measured again {after}"
