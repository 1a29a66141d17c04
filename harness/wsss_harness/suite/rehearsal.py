"""A rehearsal: a suite with few images and two iterations, which finds what a run would die of.

Batch, crop, scales, workers and networks are those of the suite, since memory depends on them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from wsss_harness.contract.errors import WsssError
from wsss_harness.contract.weights import BACKBONE
from wsss_harness.networks.made_up import write_backbone
from wsss_harness.plugins.options import construct, unused
from wsss_harness.plugins.registry import Plugins
from wsss_harness.stages.limited import Split
from wsss_harness.store.stage import Stage, upstream
from wsss_harness.suite.graph import Graph
from wsss_harness.suite.spec import AXES, Offered, Suite
from wsss_harness.suite.training import iterations_of

ITERATIONS = 2
IMAGES: dict[Split, int] = {"train": 16, "val": 8}
FEW_IMAGES: dict[Split, int] = {"train": 8, "val": 4}
SMALL = {"batch": 2, "crop": 128}  # at most, where only errors are looked for
SCALES = ("scales", "map_scales", "segment_scales")
TABLES: dict[str, str] = {  # of plugins, with what they offer
    "generators": "generator",
    "refiners": "refiner",
    "mask_refiners": "mask_refiner",
    "segmentors": "segmentor",
}


@dataclass(frozen=True)
class Rehearsal:
    """``suite`` is what runs; ``whole`` has the same rows, and all seeds and iterations.

    ``small``: batch, crop and scales are not those of the whole suite. ``made_up``: the missing
    file of weights, by label. ``refused``: why a row cannot run.
    """

    suite: Suite
    whole: Suite
    small: bool = False
    made_up: Mapping[str, str] = field(default_factory=dict)
    refused: Mapping[str, WsssError] = field(default_factory=dict)

    def without_refused(self, check: Callable[[Suite], object]) -> Rehearsal:
        """The rehearsal without the rows for which a check of their suite fails."""
        refused = dict(self.refused)
        for row in self.suite.rows:
            try:
                check(self.suite.model_copy(update={"rows": (row,)}))
            except WsssError as error:
                refused[row.method] = error
        kept = {"rows": tuple(row for row in self.suite.rows if row.method not in refused)}
        suite, whole = (suite.model_copy(update=kept) for suite in (self.suite, self.whole))
        return replace(self, suite=suite, whole=whole, refused=refused)


def rehearsal_of(suite: Suite, plugins: Plugins, folder: Path, small: bool) -> Rehearsal:
    """The rehearsal of a suite; made-up weights are written below ``folder``.

    ``small``: shrink batch, crop and scales, for a machine that is not the one of the run.
    """
    images = FEW_IMAGES if small else IMAGES
    changes: dict[str, Any] = {"rehearsal": True, "title": f"REHEARSAL of {suite.title}"}
    changes["limit"] = {split: min(n, suite.limit.get(split, n)) for split, n in images.items()}
    changes["held_out"] = min(suite.held_out, images["train"] // 4)
    whole, made_up = with_made_up_weights(suite.model_copy(update=changes), plugins, folder)
    one_seed = {"seeds": suite.seeds[:1], "cross": {}, "vary": AXES}
    weights = {"weights": dict(short_pretrainings(whole, small))}
    short = whole.model_copy(update={**shortened(whole, plugins, small), **weights, **one_seed})
    rehearsal = Rehearsal(short, whole, small, made_up)
    return rehearsal.without_refused(lambda part: list(upstream(*targets_of(part, plugins))))


def targets_of(suite: Suite, plugins: Plugins) -> Iterator[Stage]:
    graph = Graph(suite, plugins, suite.seeds[0])
    return (target for row in suite.rows for target in graph.row(row).targets)


# Iterations


def shortened(suite: Suite, plugins: Plugins, small: bool) -> dict[str, dict[str, Offered]]:
    """The tables of plugins with two iterations; what cannot be built stays, and its rows fail."""
    tables: dict[str, dict[str, Offered]] = {table: dict(getattr(suite, table)) for table in TABLES}
    for table, label, offered, plugin in built(suite, plugins):
        tables[table][label] = offered.model_copy(update=short_options(plugin, small))
    return tables


def built(suite: Suite, plugins: Plugins) -> Iterator[tuple[str, str, Offered, Any]]:
    """The table, label, entry and object of each plugin that can be built."""
    graph = Graph(suite, plugins, suite.seeds[0])
    for table, kind in TABLES.items():
        for label, offered in getattr(suite, table).items():
            with suppress(WsssError):
                own = graph.generator_options(label) if kind == "generator" else offered.options
                yield table, label, offered, graph.built(kind, label, own)


def short_pretrainings(suite: Suite, small: bool) -> Iterator[tuple[str, Any]]:
    from wsss_harness.networks.classmaps.pretraining import Pretraining

    for label, weights in suite.weights.items():
        options = weights.pretraining
        if options is not None and not weights.file:
            pretraining = construct(f"pretraining of weights '{label}'", Pretraining, options)
            options = {**options, **short_options(pretraining, small)}
        yield label, weights.model_copy(update={"pretraining": options})


def short_options(plugin: Any, small: bool) -> dict[str, Any]:
    """The options that a rehearsal changes."""
    whole = iterations_of(plugin)
    counted = getattr(plugin, "in_iterations", ()) if whole else ()
    options = {name: in_proportion(getattr(plugin, name), whole or 1) for name in counted}
    if "iterations" in getattr(plugin, "in_iterations", ()):
        options["iterations"] = ITERATIONS
    options |= getattr(plugin, "rehearsal", {})
    options |= small_options(plugin) if small else {}
    idle = unused(type(plugin), vars(plugin))
    return {n: v for n, v in options.items() if n not in idle and v != getattr(plugin, n)}


def in_proportion(value: Any, whole: int) -> Any:
    """A number of iterations out of ``whole``, or several, in the same place of ITERATIONS.

    It is rounded up, so that orders stay and what begins late begins in the last iteration.
    """
    if isinstance(value, tuple | list):
        return sorted({in_proportion(number, whole) for number in value})
    return None if value is None else math.ceil(value * ITERATIONS / whole)


def small_options(plugin: Any) -> dict[str, Any]:
    known = vars(plugin)
    if hasattr(plugin, "configuration"):
        with suppress(WsssError):
            known = plugin.configuration(1).train
    options = {n: min(known[n], most) for n, most in SMALL.items() if known.get(n)}
    return options | {name: [1.0] for name in SCALES if hasattr(plugin, name)}


# Weights


def with_made_up_weights(
    suite: Suite, plugins: Plugins, folder: Path
) -> tuple[Suite, dict[str, str]]:
    """The suite with a made-up file wherever the weights of a backbone are missing.

    Also gives what is missing: the path of the file by label.
    """
    files = {label: weights.file for label, weights in suite.weights.items() if weights.file}
    missing = {label: file for label, file in files.items() if not Path(file).is_file()}
    weights, tables = dict(suite.weights), {table: dict(getattr(suite, table)) for table in TABLES}
    for table, label, offered, plugin in built(suite, plugins) if missing else ():
        needed = offered.named_weights.get(BACKBONE)
        if needed in missing:
            with suppress(WsssError):
                file = str(write_backbone(plugin, folder, needed))
                own = f"{needed} made up for {label}"
                weights[own] = suite.weights[needed].model_copy(update={"file": file})
                given = {**offered.named_weights, BACKBONE: own}
                tables[table][label] = offered.model_copy(update={"weights": given})
    return suite.model_copy(update={"weights": weights, **tables}), missing
