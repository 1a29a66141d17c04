"""Make a row twice with the same seed and find the first stage whose bytes differ."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

from wsss_harness.contract.supervision import scores_masks
from wsss_harness.execution.run import check_data
from wsss_harness.execution.run_stage import make_stage
from wsss_harness.plugins.registry import Plugins
from wsss_harness.store.stage import Stage, upstream
from wsss_harness.store.store import Store
from wsss_harness.suite.graph import Graph
from wsss_harness.suite.rows import RowStages
from wsss_harness.suite.spec import Suite


def row_of(
    suite: Suite, plugins: Plugins, method: str, seed: int | None, store: Store
) -> RowStages:
    """The row of a method, by default for the first seed; the data is made in ``store``.

    Raises:
        ConfigError: there is no such row; lists the rows.
        DataError, ConfigError: see ``check_data``.
        StageFailure: the data could not be made.
    """
    graph = Graph(suite, plugins, suite.seeds[0] if seed is None else seed)
    row = graph.row(suite.row(method))
    make_stage(graph.data, store)
    folder = store.folder(graph.data)
    dataset = graph.opened(folder)
    check_data(suite, plugins, dataset, folder)
    return row if scores_masks(dataset) else row.unscored()


def repeat_row(row: RowStages, store: Store) -> Iterator[tuple[Stage, list[str]]]:
    """Make a row in ``store`` and again in a temporary store, up to the first stage that differs.

    Yields each stage and its files whose bytes differ.

    Raises:
        StageFailure: a stage failed.
    """
    with tempfile.TemporaryDirectory(prefix="twin-", dir=parent_of(store.root)) as folder:
        other = Store(Path(folder), store.notify, store.limits)
        for stage in upstream(*row.targets):
            differing = _differing(stage, store, other)
            yield stage, differing
            if differing:
                return


def parent_of(root: Path) -> Path:
    """The parent folder of a store, which has as much room; the store is made if it is missing."""
    root.mkdir(parents=True, exist_ok=True)
    return root.resolve().parent


def _differing(stage: Stage, *stores: Store) -> list[str]:
    for store in stores:
        make_stage(stage, store)
    first, second = (store.manifest(stage)["files"] for store in stores)
    return [n for n in sorted({*first, *second}) if first.get(n) != second.get(n)]
