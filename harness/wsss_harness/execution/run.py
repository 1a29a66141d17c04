"""Run a suite: every row of every seed, each stage once. A failed row stops no other row."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from wsss_harness.contract.errors import ConfigError, StageFailure, WsssError
from wsss_harness.contract.findings import Finding
from wsss_harness.contract.supervision import Dataset, scored_ids
from wsss_harness.execution.engine import Engine
from wsss_harness.plugins.registry import Plugins
from wsss_harness.stages.stage_data import FINGERPRINT, check_unchanged
from wsss_harness.store import housekeeping
from wsss_harness.store.stage import Stage, upstream
from wsss_harness.store.store import Store
from wsss_harness.suite import held_out
from wsss_harness.suite.graph import Graph
from wsss_harness.suite.presence import check_presence, scores_val
from wsss_harness.suite.rows import RowStages
from wsss_harness.suite.saliency_check import check_levels
from wsss_harness.suite.spec import Suite
from wsss_harness.suite.suite_rows import judged_maps, method_rows, rows_of
from wsss_harness.suite.truth_check import check_truth
from wsss_harness.system.similar import did_you_mean


@dataclass(frozen=True)
class RowOutcome:
    """One row of one seed after the run.

    ``failure``: why the row is not complete. ``number``: its place among the rows of all seeds,
    controls included.
    """

    row: RowStages
    failure: StageFailure | None = None
    number: int = 0


def prepare_suite(suite: Suite, plugins: Plugins, engine: Engine) -> Dataset:
    """Check the names and options in the suite, make and open its data, measure its saliency maps.

    Raises:
        ConfigError: a name, an option of the suite, or an option of the run is wrong.
        DataError: what the suite needs of the data is missing, or would score masks wrongly.
        StageFailure: the data could not be made.
    """
    planned_stages(suite, plugins, engine)
    graph = Graph(suite, plugins, suite.seeds[0])
    dataset = make_data(suite, plugins, engine, graph)
    held_out.check(suite, len(scored_ids(dataset)))
    # A broken map fails only the rows that read it, so failures are not raised here.
    make_all(engine, suite, judged_maps(graph, dataset))
    return dataset


def make_data(suite: Suite, plugins: Plugins, engine: Engine, graph: Graph) -> Dataset:
    """Make and open the data; refuse it if the suite needs more of it than is there.

    Raises:
        StageFailure: the data could not be made.
        DataError, ConfigError: see ``check_data``.
    """
    was_there = engine.store.done(graph.data)
    make_all(engine, suite, [graph.data])
    if graph.data.key in engine.failures:
        raise engine.failures[graph.data.key]
    folder = engine.store.folder(graph.data)
    dataset = graph.opened(folder)
    try:
        engine.warnings += check_data(suite, plugins, dataset, folder)
    except WsssError:
        if not was_there:
            housekeeping.withdraw(folder, engine.store.root, FINGERPRINT)
        raise
    return dataset


def check_data(suite: Suite, plugins: Plugins, dataset: Dataset, folder: Path) -> list[Finding]:
    """Refuse data, prepared in ``folder``, that would be scored wrongly; gives what is doubtful.

    Raises:
        DataError, ConfigError: see ``check_unchanged``, ``check_presence``, ``check_levels`` and
            ``check_truth``.
    """
    check_unchanged(dataset, folder, suite.dataset.name)
    check_presence(suite, plugins, dataset)
    check_levels(suite, plugins, dataset)
    return check_truth(dataset, scores_val(suite))


def run_suite(
    suite: Suite,
    plugins: Plugins,
    engine: Engine,
    dataset: Dataset,
    again: Collection[tuple[str, int]] | None = None,
    first: Callable[[Mapping[int, RowStages]], None] | None = None,
) -> Iterator[RowOutcome]:
    """Make the stages of all rows; yield each row when it is complete or has failed.

    ``again``: (method, seed) of the only rows to make; other rows are yielded if complete.
    ``first`` is called once with the rows without refiners, by number, when their masks are
    measured and other work is left.
    """
    graphs = (Graph(suite, plugins, seed) for seed in suite.seeds)
    rows = enumerate(row for graph in graphs for row in rows_of(graph, dataset))
    wanted = {
        number: row
        for number, row in rows
        if again is None or (row.row.method, row.seed) in again or is_complete(row, engine.store)
    }
    plain = {n: row for n, row in wanted.items() if row.counts and not row.row.refiners}
    early = [row.counts for row in plain.values() if row.counts]
    every = (stage for row in wanted.values() for stage in row.targets)
    made = engine.make(suite, [*early, *every])  # masks that ``first`` waits for come first
    if first:
        made = _reporting(made, early, wanted, engine, partial(first, plain))
    for number in _ended_rows(made, wanted):
        row = wanted[number]
        yield RowOutcome(row, next(failures_of(row.targets, engine), None), number)


def _reporting(
    made: Iterator[Stage],
    early: Iterable[Stage],
    rows: Mapping[int, RowStages],
    engine: Engine,
    first: Callable[[], None],
) -> Iterator[Stage]:
    """The stages as they end; calls ``first`` after the ``early`` ones, as ``run_suite`` says."""
    keys = {stage.key for stage in early}
    for stage in made:
        yield stage
        if stage.key in keys:
            keys.remove(stage.key)
            left = (row for row in rows.values() if not is_complete(row, engine.store))
            if not keys and any(not any(failures_of(row.targets, engine)) for row in left):
                first()


def _ended_rows(made: Iterable[Stage], rows: Mapping[int, RowStages]) -> Iterator[int]:
    """Yield the number of a row when all of its targets have ended."""
    missing = {number: {stage.key for stage in row.targets} for number, row in rows.items()}
    users: dict[str, list[int]] = defaultdict(list)
    for number, keys in missing.items():
        for key in keys:
            users[key].append(number)
    for stage in made:
        for number in users.pop(stage.key, ()):
            missing[number].remove(stage.key)
            if not missing[number]:
                yield number


def make_kind(
    suite: Suite, plugins: Plugins, engine: Engine, kind: str
) -> tuple[list[Stage], list[StageFailure]]:
    """Make the stages of one kind of all rows, and their inputs; gives the stages and failures.

    Raises:
        ConfigError: no row has a stage of this kind.
    """
    stages = planned_stages(suite, plugins, engine)
    wanted = [stage for stage in stages if stage.kind == kind]
    if not wanted:
        kinds = dict.fromkeys(stage.kind for stage in stages)
        raise ConfigError(f"no row has a stage of the kind '{kind}'{did_you_mean(kind, kinds)}")
    if kind != "data":
        dataset = make_data(suite, plugins, engine, Graph(suite, plugins, suite.seeds[0]))
        stages = planned_stages(suite, plugins, engine, dataset)
        wanted = [stage for stage in stages if stage.kind == kind]
    make_all(engine, suite, wanted)
    return wanted, list(failures_of(wanted, engine))


def make_all(engine: Engine, suite: Suite, targets: Iterable[Stage]) -> None:
    for _ in engine.make(suite, targets):
        pass


def is_complete(row: RowStages, store: Store) -> bool:
    return all(store.done(target) for target in row.targets)


def failures_of(stages: Iterable[Stage], engine: Engine) -> Iterator[StageFailure]:
    return (engine.failures[stage.key] for stage in stages if stage.key in engine.failures)


# Checks before anything runs


def planned_stages(
    suite: Suite, plugins: Plugins, engine: Engine, dataset: Dataset | None = None
) -> list[Stage]:
    """The stages of the rows that a suite lists, as far as they are known without its data.

    Raises:
        ConfigError: an option of the suite is wrong, or one of the run does not fit its stages.
    """
    graphs = [Graph(suite, plugins, seed) for seed in suite.seeds]
    held_out.check_unprepared(suite, graphs[0].source)
    rows = (row for graph in graphs for row in method_rows(graph, dataset))
    stages = list(upstream(*(target for row in rows for target in row.targets)))
    kinds = {"saliency", "bound", *(stage.kind for stage in stages)}  # two that need data
    for kind in engine.store.limits.by_kind:
        if kind not in kinds:
            raise ConfigError(
                f"--time-limit {kind}=...: no stage is of the kind '{kind}'"
                f"{did_you_mean(kind, sorted(kinds))}"
            )
    processes = engine.policy.processes
    for stage in stages:
        # A batch that only the configuration of a segmentor states is checked when that is read.
        batch = stage.options.get("batch")
        if stage.distributed and batch is not None and batch % processes:
            raise ConfigError(
                f"--processes {processes}: {stage.title} has a batch of {batch}, which cannot be "
                "divided among them; choose another number, or a batch that is a multiple of it"
            )
    return stages
