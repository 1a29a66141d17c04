"""What a stage would cost, from the cost of another one of its kind and name."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from wsss_harness.contract.supervision import Dataset, scored_ids
from wsss_harness.stages.stage_data import SCORED, TRAIN, VAL
from wsss_harness.store.stage import Stage
from wsss_harness.suite.training import trained_iterations

SCALED = ("iterations", "batch")  # options with which time grows in proportion
WORK = (*SCALED, "crop", "scales", "flip", "config", "backbone")  # others change it otherwise
Cost = tuple[float, int]  # seconds, bytes


def image_counts(dataset: Dataset) -> dict[str, int]:
    """How many images each split has."""
    ids = {TRAIN: dataset.ids(TRAIN), VAL: dataset.ids(VAL), SCORED: scored_ids(dataset)}
    return {split: len(listed) for split, listed in ids.items()}


def split_of(stage: Stage) -> str:
    """The split whose images a stage works on, as far as its options say; else train."""
    if stage.kind in ("curve", "saliency"):
        return SCORED
    return str(stage.options.get("split") or TRAIN)


def estimated(
    manifest: Mapping[str, Any], stage: Stage, images: Mapping[str, int] | None
) -> Cost | None:
    """What a stage would cost, if that of ``manifest`` is like it; None if that cannot be told.

    ``images``: of each split of the data of the stage, as far as it is there.
    """
    recipe, cost = manifest["recipe"], manifest["cost"]
    now = json.loads(json.dumps(dict(stage.options)))  # as in a manifest, where tuples are lists
    changed = {name for name in WORK if recipe["options"].get(name) != now.get(name)}
    data = stage.inputs["data"].key if "data" in stage.inputs else None
    same_data = recipe["inputs"].get("data") == data
    if same_data and not changed:
        return cost["wall_seconds"], cost["bytes"]
    timed = [phase for phase in cost.get("pace", ()) if phase["step_seconds"] is not None]
    if changed - {*SCALED} or not timed:
        return None
    iterations = trained_iterations(stage)
    if "iterations" in changed and iterations is None:
        return None
    before = recipe["options"].get("iterations") or timed[-1]["steps"] if iterations else None
    ratio = 1.0 if same_data else _ratio_of_images(timed, before, stage, images)
    if ratio is None:
        return None
    was, will_be = paced(timed, before, iterations, ratio)
    batch = (now.get("batch") or 1) / (recipe["options"].get("batch") or 1)
    seconds = max(0.0, cost["wall_seconds"] - was) + will_be * batch
    return seconds, round(cost["bytes"] * (1 if iterations else ratio))


def _ratio_of_images(
    timed: list[Any], before: int | None, stage: Stage, images: Mapping[str, int] | None
) -> float | None:
    """The images of a stage in proportion to those before; 1 if it goes through none."""
    counted = sum(phase["steps"] for phase in timed if phase["steps"] != before)
    if not counted:
        return 1.0
    return images[split_of(stage)] / counted if images else None


def paced(
    timed: list[Any], before: int | None, iterations: int | None, ratio: float
) -> tuple[float, float]:
    """Seconds of what was counted: as it was, and with other ``iterations`` and images.

    ``before``: the iterations of the training that was timed. ``ratio``: of images.
    """
    was = will_be = 0.0
    for phase in timed:
        trains = iterations is not None and phase["steps"] == before
        steps = iterations if trains else phase["steps"] * ratio
        was += phase["steps"] * phase["step_seconds"]
        will_be += (steps or 0) * phase["step_seconds"]
    return was, will_be
