"""The rows of a suite: its methods, the controls of each saliency map, and the bounds."""

from collections.abc import Iterator, Sequence

from wsss_harness.contract.supervision import SALIENCY, Dataset
from wsss_harness.plugins.registry import Plugins
from wsss_harness.stages.bounds import BOUNDS, OF_SALIENCY
from wsss_harness.store.stage import Stage
from wsss_harness.store.store import Store
from wsss_harness.suite.graph import Graph
from wsss_harness.suite.plan import Plan, plan
from wsss_harness.suite.rows import RowStages, control_row, saliency_of
from wsss_harness.suite.spec import Suite


def rows_of(graph: Graph, dataset: Dataset | None) -> Iterator[RowStages]:
    """The rows of one seed; without the dataset, which may not exist yet, only the methods."""
    suite, plugins = graph.suite, graph.plugins
    for row in suite.rows:
        yield graph.row(row)
    if dataset is None:
        return
    for label in saliency_labels(suite, dataset):
        yield graph.row(control_row(suite, plugins, label))
        for method in OF_SALIENCY:
            yield graph.bound(method, label)
    yield from bound_rows(graph)


def bound_rows(graph: Graph) -> Iterator[RowStages]:
    """Rows that read the truth; those that take a network only if the suite asks for them."""
    suite = graph.suite
    for method in BOUNDS:
        yield graph.bound(method, None)
    if "refined" in suite.bounds:
        first_rows = {row.refiners[-1]: row for row in reversed(suite.rows) if row.refiners}
        for label in suite.refiners:
            if label in first_rows:
                yield graph.perfect(first_rows[label])
    if "supervised" in suite.bounds and suite.segmentors:
        yield graph.supervised(tuple(suite.segmentors))


def saliency_labels(suite: Suite, dataset: Dataset) -> list[str | None]:
    """The names of the saliency maps of a suite; None stands for the dataset's own, if any."""
    own: list[str | None] = [None] if SALIENCY in dataset.supervision else []
    labels = (saliency_of(row, suite) for row in suite.rows)
    return [*own, *dict.fromkeys(label for label in labels if label)]


def known_rows(
    suite: Suite, plugins: Plugins, store: Store
) -> tuple[Iterator[RowStages], Sequence[Stage]]:
    """The rows of all seeds, and the stages that measure saliency maps, which belong to no row.

    Controls, bounds and saliency maps are known once the store has the data.
    """
    graphs = [Graph(suite, plugins, seed) for seed in suite.seeds]
    data = graphs[0].data
    dataset = graphs[0].opened(store.folder(data)) if store.done(data) else None
    labels = saliency_labels(suite, dataset) if dataset is not None else []
    saliency_stages = [graphs[0].saliency(label) for label in labels]
    return (row for graph in graphs for row in rows_of(graph, dataset)), saliency_stages


def plan_of(suite: Suite, plugins: Plugins, store: Store) -> Plan:
    """What a run of the suite would do."""
    return plan(*known_rows(suite, plugins, store), store)
