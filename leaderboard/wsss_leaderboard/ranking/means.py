"""Entries as means over seeds, with what their variances are computed from."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from wsss_harness.contract.errors import DataError
from wsss_leaderboard.ranking.entries import Entry
from wsss_leaderboard.statistics.variances import Means


def means_of(entries: Sequence[Entry]) -> Means:
    """The means of entries, all of which have an estimate on the same images."""
    estimates = [entry.estimate for entry in entries if entry.estimate]
    return Means.of(estimates, [independent_runs(entry) for entry in entries])


def independent_runs(entry: Entry) -> dict[int, float]:
    """mIoU by seed; the mean of segmentors that learnt from the same masks, if there are several.

    Seeds of a segmentor alone vary on one set of masks: then each is a run.
    """
    masks: dict[object, list[tuple[int, float]]] = {}
    for record, value in zip(entry.records, entry.values, strict=True):
        masks.setdefault(record.maker() or record.seed, []).append((record.seed, value))
    if len(masks) == 1:
        return dict(*masks.values())
    return {runs[0][0]: float(np.mean([value for _, value in runs])) for runs in masks.values()}


def check_images(entries: Sequence[Entry]) -> None:
    """Raise DataError, which names two records, if their counts are of different images."""
    runs = [entry.runs[0] for entry in entries]
    for first, other in pairwise(runs):
        target = entries[0].target
        if other.tallies[target].ids != first.tallies[target].ids:
            raise DataError(
                f"{other.path} has counts of other images than {first.path}, so they cannot be "
                "compared; run both on the same data"
            )
