"""Run a suite: every row of every seed, each stage once; a failed row never stops the others."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from wsss_harness.contract.errors import ConfigError, StageFailure
from wsss_harness.contract.supervision import Dataset, scored_ids
from wsss_harness.execution.engine import Engine
from wsss_harness.plugins.registry import Plugins
from wsss_harness.store.stage import Stage, upstream
from wsss_harness.store.store import Store
from wsss_harness.suite.graph import Graph
from wsss_harness.suite.rows import RowStages
from wsss_harness.suite.spec import Suite
from wsss_harness.suite.suite_rows import rows_of, saliency_labels


@dataclass(frozen=True)
class Outcome:
    """One row of one seed after the run; ``failure`` says why it is not complete.

    ``number``: its place among the rows of all seeds, controls counted.
    """

    row: RowStages
    failure: StageFailure | None = None
    number: int = 0


def prepare_suite(suite: Suite, plugins: Plugins, engine: Engine) -> Dataset:
    """Check every name and option of the suite, make its data, open it, judge its saliency.

    Raises:
        StageFailure: there is no data.
    """
    graphs = [Graph(suite, plugins, seed) for seed in suite.seeds]
    check_how(engine, [row for graph in graphs for row in rows_of(graph, None)])
    graph = graphs[0]
    exhaust(engine.make(suite, [graph.data]))
    if graph.data.key in engine.failures:
        raise engine.failures[graph.data.key]
    dataset = graph.opened(engine.store.folder(graph.data))
    check_held_out(suite, dataset)
    # A broken map stops the rows that read it, not those that do not.
    exhaust(
        engine.make(suite, [graph.saliency(label) for label in saliency_labels(suite, dataset)])
    )
    return dataset


def check_how(engine: Engine, found: Iterable[RowStages]) -> None:
    """Raise ConfigError where the way to make stages does not fit those of these rows."""
    needed = tuple(upstream(*(target for row in found for target in row.targets)))
    check_kinds(engine.store.limits.by_kind, {stage.kind for stage in needed})
    check_batches(engine.policy.processes, needed)


def check_kinds(limited: Iterable[str], kinds: Collection[str]) -> None:
    """Raise ConfigError for a time limit on a kind of stage that there is not."""
    known = {*kinds, "saliency", "bound"}
    for kind in limited:
        if kind not in known:
            raise ConfigError(
                f"--time-limit {kind}=...: no stage is of the kind '{kind}'; kinds: "
                f"{', '.join(sorted(known))}"
            )


def check_batches(processes: int, needed: Iterable[Stage]) -> None:
    """Raise ConfigError for a batch that cannot be divided among the processes that train.

    One that a segmentor leaves to its configuration is looked at when that is read.
    """
    for stage in needed:
        batch = stage.options.get("batch")
        if stage.distributed and batch is not None and batch % processes:
            raise ConfigError(
                f"--processes {processes}: {stage.title} has a batch of {batch}, which cannot be "
                "divided among them; choose another number, or a batch that is a multiple of it"
            )


def check_held_out(suite: Suite, dataset: Dataset) -> None:
    images = len(scored_ids(dataset))
    if suite.held_out >= images:
        raise ConfigError(
            f"held_out is {suite.held_out}, but {images} images are to be scored; none would be "
            "left: lower held_out or take more images"
        )


def run_suite(
    suite: Suite,
    plugins: Plugins,
    engine: Engine,
    dataset: Dataset,
    again: Collection[tuple[str, int]] | None = None,
) -> Iterator[Outcome]:
    """Make the stages of all rows; yields a row when it is complete or has failed.

    ``again``: method and seed of the only rows to work on; others count if they are complete.
    """
    graphs = (Graph(suite, plugins, seed) for seed in suite.seeds)
    found = enumerate(row for graph in graphs for row in rows_of(graph, dataset))
    wanted = {
        number: row
        for number, row in found
        if again is None or (row.row.method, row.seed) in again or complete(row, engine.store)
    }
    targets = {number: row.targets for number, row in wanted.items()}
    for number in ended(engine, suite, targets):
        row = wanted[number]
        yield Outcome(row, failure_of(row.targets, engine), number)


def complete(row: RowStages, store: Store) -> bool:
    return all(store.done(target) for target in row.targets)


def ended(engine: Engine, suite: Suite, targets: Mapping[int, Sequence[Stage]]) -> Iterator[int]:
    """Make the targets of each number; yields a number when all of its own are made or failed."""
    users: dict[str, list[int]] = {}
    left = {number: {stage.key for stage in stages} for number, stages in targets.items()}
    for number, keys in left.items():
        for key in keys:
            users.setdefault(key, []).append(number)
    for stage in engine.make(suite, [stage for stages in targets.values() for stage in stages]):
        for number in users.pop(stage.key, ()):
            left[number].discard(stage.key)
            if not left[number]:
                yield number


def failure_of(targets: Iterable[Stage], engine: Engine) -> StageFailure | None:
    """The first failure of some stages."""
    failures = (engine.failures.get(target.key) for target in targets)
    return next((failure for failure in failures if failure), None)


def exhaust(stages: Iterable[Stage]) -> None:
    for _ in stages:
        pass


def make_kind(
    suite: Suite, plugins: Plugins, engine: Engine, kind: str
) -> tuple[list[Stage], list[StageFailure]]:
    """Make the stages of this kind of every row, with what they need; gives them, and failures.

    Raises:
        ConfigError: no row has a stage of this kind.
    """
    found = [row for seed in suite.seeds for row in rows_of(Graph(suite, plugins, seed), None)]
    check_how(engine, found)
    needed = list(upstream(*(target for row in found for target in row.targets)))
    wanted = [stage for stage in needed if stage.kind == kind]
    if not wanted:
        kinds = ", ".join(dict.fromkeys(stage.kind for stage in needed))
        raise ConfigError(f"no row has a stage of the kind '{kind}'; kinds: {kinds}")
    exhaust(engine.make(suite, wanted))
    failures = [failure_of([stage], engine) for stage in wanted]
    return wanted, [failure for failure in failures if failure]
