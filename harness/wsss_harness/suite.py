"""Run a suite: every row of every seed, each stage once; a failed row never stops the others."""

import contextlib
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass

from wsss_harness.bounds import BOUNDS
from wsss_harness.errors import ConfigError, StageFailure, WsssError
from wsss_harness.graph import Graph
from wsss_harness.plan import Plan, plan
from wsss_harness.plugins import Plugins
from wsss_harness.recipe import Suite
from wsss_harness.rows import RowStages, control_row
from wsss_harness.stage import Stage, upstream
from wsss_harness.store import Store
from wsss_harness.supervision import SALIENCY, Dataset


@dataclass(frozen=True)
class Outcome:
    """One row of one seed after the run; ``failure`` says why it is not complete.

    ``number``: its place among the rows of all seeds, controls counted.
    """

    row: RowStages
    failure: StageFailure | None = None
    number: int = 0


def rows(graph: Graph, dataset: Dataset | None) -> Iterator[RowStages]:
    """The suite's rows for one seed and, where the dataset has saliency, the control rows.

    Without the dataset, which may not be there yet, no control row is known.
    """
    suite, plugins = graph.suite, graph.plugins
    for row in suite.rows:
        yield graph.row(row)
    if dataset is not None and SALIENCY in dataset.supervision:
        yield graph.row(control_row(suite, plugins))
        for method in BOUNDS:
            yield graph.bound(method)


def prepare(suite: Suite, plugins: Plugins, store: Store) -> Dataset:
    """Check every name and option of the suite, make its data, open it, judge its saliency."""
    graphs = [Graph(suite, plugins, seed) for seed in suite.seeds]
    for graph in graphs:
        list(rows(graph, None))
    graph = graphs[0]
    dataset = graph.opened(store.make(graph.data))
    check_held_out(suite, dataset)
    if SALIENCY in dataset.supervision:
        # A broken map stops the rows that read it, not those that do not.
        with contextlib.suppress(StageFailure):
            store.make(graph.saliency)
    return dataset


def check_held_out(suite: Suite, dataset: Dataset) -> None:
    images = len(dataset.ids("train"))
    if suite.held_out >= images:
        raise ConfigError(
            f"held_out is {suite.held_out}, but train has {images} images; none would be left to "
            "score: lower held_out or take more images"
        )


def run(
    suite: Suite,
    plugins: Plugins,
    store: Store,
    dataset: Dataset,
    again: Collection[tuple[str, int]] | None = None,
) -> Iterator[Outcome]:
    """Make the stages of each row in order; yields a row when it is complete or has failed.

    ``again``: method and seed of the only rows to work on; others count if they are complete.
    """
    graphs = (Graph(suite, plugins, seed) for seed in suite.seeds)
    for number, row in enumerate(row for graph in graphs for row in rows(graph, dataset)):
        if again is None or (row.row.method, row.seed) in again or complete(row, store):
            yield Outcome(row, make_all(row.targets, store), number)


def complete(row: RowStages, store: Store) -> bool:
    return all(store.done(target) for target in row.targets)


def make_until(suite: Suite, plugins: Plugins, store: Store, kind: str) -> Iterator[Outcome]:
    """Make the stages of this kind of every row, with what they need and no more.

    Raises:
        ConfigError: no row has a stage of this kind.
    """
    found = [row for seed in suite.seeds for row in rows(Graph(suite, plugins, seed), None)]
    wanted = [[s for s in upstream(*row.targets) if s.kind == kind] for row in found]
    if not any(wanted):
        kinds = dict.fromkeys(s.kind for row in found for s in upstream(*row.targets))
        raise ConfigError(f"no row has a stage of the kind '{kind}'; kinds: {', '.join(kinds)}")
    for row, stages in zip(found, wanted, strict=True):
        yield Outcome(row, make_all(stages, store))


def plan_of(suite: Suite, plugins: Plugins, store: Store) -> Plan:
    """What ``run`` would do."""
    return plan(*known(suite, plugins, store), store)


def known(
    suite: Suite, plugins: Plugins, store: Store
) -> tuple[Iterator[RowStages], Sequence[Stage]]:
    """The rows of a suite, and stages beside them; control rows once the data has been made."""
    graphs = [Graph(suite, plugins, seed) for seed in suite.seeds]
    data = graphs[0].data
    dataset = graphs[0].opened(store.folder(data)) if store.done(data) else None
    judged = dataset is not None and SALIENCY in dataset.supervision
    beside = [graphs[0].saliency] if judged else []
    return (row for graph in graphs for row in rows(graph, dataset)), beside


def make_all(targets: Iterable[Stage], store: Store) -> StageFailure | None:
    """Make as many stages as can be made; the first failure, if there was one."""
    failures = []
    for target in targets:
        try:
            store.make(target)
        except StageFailure as failure:
            failures.append(failure)
        except (WsssError, OSError) as error:  # between stages: a lock, a folder, a full disk
            message = f"{target.title}: {error}"
            failures.append(StageFailure(message, target.title, type(error).__name__))
    return failures[0] if failures else None
