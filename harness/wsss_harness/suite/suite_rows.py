"""The rows of a suite: its methods, the controls of each saliency map, and the bounds."""

from collections.abc import Iterator, Sequence

from wsss_harness.contract.supervision import SALIENCY, Dataset, scores_masks, without
from wsss_harness.plugins.registry import Plugins
from wsss_harness.stages import single_stage
from wsss_harness.stages.bounds import BOUNDS, OF_SALIENCY
from wsss_harness.stages.stage_data import TRAIN
from wsss_harness.store.stage import Stage
from wsss_harness.store.store import Store
from wsss_harness.suite import held_out
from wsss_harness.suite.estimates import image_counts
from wsss_harness.suite.graph import Graph
from wsss_harness.suite.plan import Plan, plan
from wsss_harness.suite.presence import check_presence
from wsss_harness.suite.rows import RowStages, control_row, saliency_of
from wsss_harness.suite.spec import Suite


def rows_of(graph: Graph, dataset: Dataset | None) -> Iterator[RowStages]:
    """The rows of one seed; without the dataset, which may not exist yet, only the methods."""
    suite, plugins = graph.suite, graph.plugins
    yield from method_rows(graph, dataset)
    if dataset is None or not scores_masks(dataset):
        return
    for label in saliency_labels(suite, dataset):
        yield graph.row(control_row(suite, plugins, label))
        for method in OF_SALIENCY:
            yield graph.bound(method, label)
    yield from bound_rows(graph)


def method_rows(graph: Graph, dataset: Dataset | None) -> Iterator[RowStages]:
    """The rows of the suite itself, whose masks are not scored if train has no truth."""
    scored = dataset is None or scores_masks(dataset)
    for row in map(graph.row, graph.suite.rows):
        yield row if scored else row.unscored()


def bound_rows(graph: Graph) -> Iterator[RowStages]:
    """Rows that read the truth; those that take a network only if the suite asks for them."""
    suite = graph.suite
    for method in BOUNDS:
        yield graph.bound(method, None)
    if "refined" in suite.bounds:
        chains = [(suite.chain_of(row)[0], row) for row in reversed(suite.rows)]
        first_rows = {of_scores[-1]: row for of_scores, row in chains if of_scores}
        for label in suite.refiners:
            if label in first_rows:
                yield graph.perfect(first_rows[label])
    trained = [
        label for label, offered in suite.segmentors.items() if offered.name != single_stage.NAME
    ]
    if "supervised" in suite.bounds and trained:
        yield graph.supervised(tuple(trained))


def saliency_labels(suite: Suite, dataset: Dataset) -> list[str | None]:
    """The names of the saliency maps of a suite; None stands for the dataset's own.

    The dataset's own are left out unless every image of train has one.
    """
    own: list[str | None] = [] if without(dataset, SALIENCY, dataset.ids(TRAIN)) else [None]
    labels = (saliency_of(row, suite) for row in suite.rows)
    return [*own, *dict.fromkeys(label for label in labels if label)]


def judged_maps(graph: Graph, dataset: Dataset) -> list[Stage]:
    """The stages that measure saliency maps, if train has a truth to measure them on."""
    labels = saliency_labels(graph.suite, dataset) if scores_masks(dataset) else []
    return [graph.saliency(label) for label in labels]


def known_rows(
    suite: Suite, plugins: Plugins, store: Store
) -> tuple[Iterator[RowStages], Sequence[Stage]]:
    """The rows of all seeds, and the stages that measure saliency maps, which belong to no row.

    Controls, bounds and saliency maps are known once the store has the data.
    """
    graphs = [Graph(suite, plugins, seed) for seed in suite.seeds]
    data = graphs[0].data
    dataset = graphs[0].opened(store.folder(data)) if store.done(data) else None
    saliency_stages = judged_maps(graphs[0], dataset) if dataset is not None else []
    return (row for graph in graphs for row in rows_of(graph, dataset)), saliency_stages


def plan_of(suite: Suite, plugins: Plugins, store: Store) -> Plan:
    """What a run of the suite would do; raises what it would, if its data is there to be checked.

    Raises:
        DataError, ConfigError: see ``check_presence`` and ``held_out.check``.
    """
    graph, images = Graph(suite, plugins, suite.seeds[0]), None
    held_out.check_unprepared(suite, graph.source)
    if store.done(graph.data):
        dataset = graph.opened(store.folder(graph.data))
        check_presence(suite, plugins, dataset)
        images = image_counts(dataset)
    return plan(*known_rows(suite, plugins, store), store, images)
