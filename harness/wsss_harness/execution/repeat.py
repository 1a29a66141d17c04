"""Whether a row is repeatable: the same row once more, and the first stage whose bytes differ."""

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from wsss_harness.execution.run_stage import make_stage
from wsss_harness.plugins.registry import Plugins
from wsss_harness.store.stage import Stage, upstream
from wsss_harness.store.store import Store
from wsss_harness.suite.graph import Graph
from wsss_harness.suite.rows import RowStages
from wsss_harness.suite.spec import Suite


@dataclass(frozen=True)
class Compared:
    """A stage that was made twice; ``differing`` are the files whose bytes are not the same."""

    stage: Stage
    differing: tuple[str, ...]


def row_of(suite: Suite, plugins: Plugins, method: str, seed: int | None) -> RowStages:
    """The row of this name, of the first seed if none is given; ConfigError lists the rows."""
    graph = Graph(suite, plugins, suite.seeds[0] if seed is None else seed)
    return graph.row(suite.row(method))


def compare(row: RowStages, store: Store) -> Iterator[Compared]:
    """Make a row in ``store`` if need be, and again apart, stage by stage up to a difference.

    Raises:
        StageFailure: a stage could not be made.
    """
    with tempfile.TemporaryDirectory(prefix="twin-", dir=parent_of(store.root)) as folder:
        other = Store(Path(folder), store.notify, store.limits)
        for stage in upstream(*row.targets):
            compared = Compared(stage, _differing(stage, store, other))
            yield compared
            if compared.differing:
                return


def parent_of(root: Path) -> Path:
    """The folder beside a store, where there is as much room; made if it is not there."""
    root.mkdir(parents=True, exist_ok=True)
    return root.resolve().parent


def _differing(stage: Stage, one: Store, other: Store) -> tuple[str, ...]:
    for store in (one, other):
        make_stage(stage, store)
    first, second = (store.manifest(stage)["files"] for store in (one, other))
    names = sorted({*first, *second})
    return tuple(name for name in names if first.get(name) != second.get(name))
