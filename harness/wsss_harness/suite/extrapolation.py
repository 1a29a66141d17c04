"""From what the stages of a rehearsal cost to what those of the whole suite would."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from wsss_harness.contract.supervision import Dataset
from wsss_harness.plugins.registry import Plugins
from wsss_harness.store.stage import Stage
from wsss_harness.suite.estimates import paced, split_of
from wsss_harness.suite.graph import Graph
from wsss_harness.suite.rehearsal import ITERATIONS, Rehearsal
from wsss_harness.suite.suite_rows import rows_of
from wsss_harness.suite.training import trained_iterations


@dataclass(frozen=True)
class Extrapolation:
    """What a stage would cost: seconds after its start, and bytes that it leaves."""

    seconds: float
    bytes: float


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


def extrapolated(
    whole: Stage, cost: Mapping[str, Any], few: Mapping[str, int], every: Mapping[str, int]
) -> Extrapolation:
    """What a stage would cost on all images and for all iterations, without its start.

    ``cost``: what the manifest of its rehearsal says. ``few``, ``every``: the images of each split.
    Where a single step was timed, which its start is part of, the result is too high.
    """
    split, made_whole = split_of(whole), whole.kind == "data"
    ratio = 1.0 if made_whole else every[split] / few[split]
    iterations = trained_iterations(whole)
    timed = [phase for phase in cost["pace"] if phase["step_seconds"] is not None]
    _, seconds = paced(timed, ITERATIONS, iterations, ratio)
    if not timed:
        seconds = cost["wall_seconds"] * (iterations / ITERATIONS if iterations else ratio)
    return Extrapolation(seconds, cost["bytes"] * (ratio if iterations is None else 1))


def step_seconds(cost: Mapping[str, Any]) -> float | None:
    """Of the last thing that was counted: an iteration or an image."""
    known = [phase["step_seconds"] for phase in cost["pace"]]
    return known[-1] if known else None
