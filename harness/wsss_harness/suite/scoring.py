"""What stages score on truth, for the selection ledger of the store."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from wsss_harness.contract.supervision import scored_ids
from wsss_harness.metrics.curve import THRESHOLDS
from wsss_harness.stages.products import IDS
from wsss_harness.stages.stage_data import TRAIN, VAL, StageData
from wsss_harness.store.selection_ledger import Scoring
from wsss_harness.store.stage import Stage
from wsss_harness.store.work import Work
from wsss_harness.system.files import read_json


def of_masks(masks: Stage, data: StageData, split: str) -> Scoring | None:
    """One set of masks; None for those that a bound painted, among which nobody chooses."""
    if masks.kind == "bound":
        return None
    split = VAL if split == VAL else TRAIN
    return Scoring("masks", split, partial(judged, data, split), masks.key)


def of_thresholds(scores: Stage, data: StageData) -> Scoring:
    return Scoring("thresholds", TRAIN, partial(judged, data, TRAIN), scores.key, len(THRESHOLDS))


def of_weights(note: Mapping[str, Any], data: StageData) -> Scoring | None:
    """Released weights that were selected on the truth of a split; None for any others."""
    splits = [split for split in note.get("selected_on", ()) if split in (TRAIN, VAL)]
    return Scoring("checkpoints", splits[0], partial(judged, data, splits[0])) if splits else None


def judged(data: StageData, split: str, work: Work) -> Sequence[str]:
    """The images of a split whose truth a stage has read."""
    if (noted := work.folder / IDS).is_file():
        ids: Sequence[str] = read_json(noted)
        return ids
    dataset = data.open(work)
    return dataset.ids(VAL) if split == VAL else scored_ids(dataset)
