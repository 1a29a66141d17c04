"""Scores read from the counts that stages left in the store."""

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from wsss_harness.contract.errors import DataError
from wsss_harness.contract.hookspecs import Metric
from wsss_harness.contract.supervision import Dataset
from wsss_harness.metrics import METRICS, confusion, curve
from wsss_harness.plugins.registry import Plugins
from wsss_harness.stages.products import BY_MMSEG, CURVE, THRESHOLDS
from wsss_harness.stages.stage_data import VAL
from wsss_harness.store.stage import Stage
from wsss_harness.store.store import Store
from wsss_harness.suite.rows import RowStages, SegmentationStages, chosen_on
from wsss_harness.system.files import read_json
from wsss_leaderboard.records.scores import (
    ERROR,
    Masks,
    Score,
    Segmentation,
    Thresholded,
    rule_words,
    score_of,
)
from wsss_leaderboard.statistics import estimates

FIXED = 0.2  # the threshold on background scores that all methods are also compared at


class ScoreReader:
    """Reads what masks and segmentors scored.

    ``scored``: the places, among the images that may be scored, of those that masks are scored on.
    """

    def __init__(
        self, store: Store, dataset: Dataset, plugins: Plugins, scored: Sequence[int]
    ) -> None:
        self.store = store
        self.dataset = dataset
        self.plugins = plugins
        self.scored = scored
        self.names = ("background", *dataset.classes)

    def masks(self, row: RowStages) -> Masks:
        """The scores of the masks of a row whose masks were counted."""
        assert row.counts is not None
        folder = self.store.folder(row.counts)
        read = {name: self._read(folder, name, self.scored) for name in METRICS}
        constant = row.row.rule.name == "constant"
        curve_stage = row.curve if row.curve and constant and self.store.done(row.curve) else None
        return Masks(
            images=len(self.scored),
            rule=self.rule_text(row),
            chosen_on=chosen_on(row),
            score=self._score(folder, self.scored),
            boundary=read["boundary"],
            cooccurrence=read["cooccurrence"] if self.dataset.contexts else {},
            large=read["large"],
            anatomy=read["anatomy"],
            more={
                name: self._read_further(self.store.folder(stage), name)
                for name, stage in row.further.items()
                if self.store.done(stage)
            },
            **(self._at_thresholds(curve_stage) if curve_stage else {"others": {}}),
        )

    def segmentation(self, stages: SegmentationStages) -> Segmentation:
        images = range(len(self.dataset.ids(VAL)))
        folder = self.store.folder(stages.counts)
        return Segmentation(
            segmentor=stages.label,
            images=len(images),
            score=self._score(folder, list(images)),
            mmseg=read_json(folder / BY_MMSEG),
            anatomy=self._read(folder, "anatomy", list(images)),
        )

    def tallies(self, stage: Stage, images: Sequence[int]) -> confusion.Counts:
        """(n, C + 1, 3) hits, truth and mask pixels of these images."""
        return estimates.tallies_of(_counted(self.store.folder(stage), "confusion", images))

    def _read(self, folder: Path, metric: str, images: Sequence[int]) -> dict[str, Any]:
        reader: Metric = self.plugins.offers["metric"][metric].announced
        total = _counted(folder, metric, images).sum(0)
        return reader.read(total, self.names, self.dataset.contexts)

    def _read_further(self, folder: Path, metric: str) -> dict[str, Any]:
        """What the metric of a plugin reads; if it cannot, its error."""
        try:
            read = dict(self._read(folder, metric, self.scored))
            json.dumps(read, allow_nan=False)
        except Exception as error:  # a plugin's code; all else of the row is finished
            return {ERROR: f"{type(error).__name__}: {error}"}
        return read

    def _score(self, folder: Path, images: Sequence[int]) -> Score:
        tallies = estimates.tallies_of(_counted(folder, "confusion", images))
        estimate = estimates.miou(tallies)
        t = estimate.t if math.isfinite(estimate.t) else None
        score = score_of(tallies.sum(0), self.names)
        return score.model_copy(update={"error": estimate.error, "t": t})

    def rule_text(self, row: RowStages) -> str:
        """The background rule in words, with the threshold that was chosen."""
        rule = row.row.rule
        if row.curve is None:
            return "none"
        options = dict(rule.options)
        if isinstance(rule.threshold, str):
            thresholds = read_json(self.store.folder(row.curve) / THRESHOLDS)
            options["threshold"] = thresholds[rule.threshold]
        return rule_words(rule.name, options)

    def _at_thresholds(self, stage: Stage) -> dict[str, Any]:
        """mIoU at every threshold, and the scores at those that policies choose."""
        folder = self.store.folder(stage)
        counted = curve.read(folder / CURVE).of(self.scored)
        tallies, others = estimates.tallies_of(curve.confusions(counted)), {}
        for name, threshold in {"fixed": FIXED, **read_json(folder / THRESHOLDS)}.items():
            nearest = np.abs(counted.thresholds - threshold).argmin()
            score = score_of(tallies[nearest], self.names)
            others[name] = Thresholded(threshold=threshold, score=score)
        return {"others": others, "curve": tuple(map(float, curve.miou(counted)))}


def _counted(folder: Path, metric: str, images: Sequence[int]) -> confusion.Counts:
    """The counts of a metric, of these images."""
    path = folder / f"{metric}.npy"
    try:
        counts: confusion.Counts = np.load(path, mmap_mode="r", allow_pickle=False)
    except ValueError as error:
        raise DataError(
            f"{path} cannot be read ({error}); `wsss store verify` names damaged stages"
        ) from None
    return counts[images]
