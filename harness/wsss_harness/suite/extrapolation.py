"""From what the stages of a rehearsal cost to what those of the whole suite would."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from wsss_harness.contract.supervision import Dataset, scored_ids
from wsss_harness.plugins.registry import Plugins
from wsss_harness.stages.stage_data import SCORED, TRAIN, VAL
from wsss_harness.store.stage import Stage
from wsss_harness.suite.graph import Graph
from wsss_harness.suite.rehearsal import ITERATIONS, Rehearsal, iterations_of
from wsss_harness.suite.suite_rows import rows_of

Images = Mapping[str, tuple[int, int]]  # of each split: in the rehearsal, and in all


@dataclass(frozen=True)
class Extrapolation:
    """What a stage would cost: seconds after its start, and bytes that it leaves."""

    seconds: float
    bytes: float


def images_of(dataset: Any) -> Images:
    """The images of each split of a dataset with a limit."""
    few, every = (
        {TRAIN: data.ids(TRAIN), VAL: data.ids(VAL), SCORED: scored_ids(data)}
        for data in (dataset, dataset.dataset)
    )
    return {split: (len(few[split]), len(every[split])) for split in few}


def counterparts(
    rehearsal: Rehearsal, plugins: Plugins, dataset: Dataset
) -> dict[str, dict[str, Stage]]:
    """The stages of the whole suite, over all its seeds, for each stage that rehearses them."""
    short = rows_of(Graph(rehearsal.suite, plugins, rehearsal.suite.seeds[0]), dataset)
    rehearsed = [row.targets for row in short]
    stages: dict[str, dict[str, Stage]] = defaultdict(dict)

    def pair(ours: Stage, theirs: Stage) -> None:
        if theirs.key not in stages[ours.key]:
            stages[ours.key][theirs.key] = theirs
            for name, needed in ours.inputs.items():
                pair(needed, theirs.inputs[name])

    for seed in rehearsal.whole.seeds:
        rows = rows_of(Graph(rehearsal.whole, plugins, seed), dataset)
        for ours, row in zip(rehearsed, rows, strict=True):
            for stage, counterpart in zip(ours, row.targets, strict=True):
                pair(stage, counterpart)
    return stages


def estimate(whole: Stage, cost: Mapping[str, Any], images: Images) -> Extrapolation:
    """What a stage would cost on all images and for all iterations.

    ``cost``: what the manifest of its rehearsal says. Where a single step was timed, which its
    start is part of, the estimate is too high.
    """
    few, every = (1, 1) if whole.kind == "data" else images[split_of(whole)]  # data is made whole
    iterations = trained_iterations(whole)
    factor = every / few if iterations is None else 1.0
    timed = [phase for phase in cost["pace"] if phase["step_seconds"] is not None]
    seconds = 0.0 if timed else cost["wall_seconds"] * every / few
    for phase in timed:
        trains = iterations is not None and phase["steps"] == ITERATIONS
        steps = (iterations or 0) if trains else phase["steps"] * every / few
        seconds += steps * phase["step_seconds"]
    return Extrapolation(seconds, cost["bytes"] * factor)


def step_seconds(cost: Mapping[str, Any]) -> float | None:
    """Of the last thing that was counted: an iteration or an image."""
    known = [phase["step_seconds"] for phase in cost["pace"]]
    return known[-1] if known else None


def split_of(stage: Stage) -> str:
    """The split whose images a stage works on, as far as its options say; else train."""
    if stage.kind in ("curve", "saliency"):
        return SCORED
    return str(stage.options.get("split") or TRAIN)


def trained_iterations(stage: Stage) -> int | None:
    """The iterations of what a stage trains; None if it trains nothing that counts them."""
    if stage.kind not in ("fit", "segment", "pretrain"):
        return None
    return next(filter(None, map(iterations_of, vars(stage.body).values())), None)
