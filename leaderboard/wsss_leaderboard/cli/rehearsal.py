"""Rehearse a suite in a store of its own, and show what failed and what the whole would cost."""

import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from rich.console import Console

from wsss_harness.cli.messages import print_plain
from wsss_harness.cli.progress import observed
from wsss_harness.contract.errors import ConfigError
from wsss_harness.contract.supervision import Dataset
from wsss_harness.execution.engine import Engine, RunOptions
from wsss_harness.execution.run import make_all, prepare_suite, run_suite
from wsss_harness.plugins.registry import Plugins, installed
from wsss_harness.store.layout import RECORDS, REHEARSAL, create, lock_of
from wsss_harness.store.owners import AT
from wsss_harness.store.stage import Stage, upstream
from wsss_harness.suite.estimates import image_counts
from wsss_harness.suite.extrapolation import counterparts, extrapolated, step_seconds
from wsss_harness.suite.graph import Graph
from wsss_harness.suite.presence import check_presence
from wsss_harness.suite.rehearsal import Rehearsal, rehearsal_of
from wsss_harness.suite.selection import Request
from wsss_harness.suite.suite_rows import rows_of
from wsss_harness.system import locks
from wsss_harness.system.files import write_text
from wsss_leaderboard.cli import report
from wsss_leaderboard.ranking import entries
from wsss_leaderboard.records.collect import Collector
from wsss_leaderboard.tables.rehearsal import FAILED, MISSED, PASSED, Rehearsed, rehearsal_table
from wsss_leaderboard.tables.table import Table, write_tables

MARK = "REHEARSAL.txt"
SMALL = (
    "--small: batches, crops and scales are smaller than the suite's, so memory is too little and "
    "times of networks are unknown."
)
ABOUT = (
    "The stages and results here are of a rehearsal and mean nothing; the next one removes them.\n"
)


def check_rehearsal(rehearse: bool, failed: bool, stage: str | None) -> None:
    """Raise ConfigError for options that do not go with a rehearsal."""
    if not rehearse:
        raise ConfigError("--small shrinks a rehearsal; give --rehearse as well")
    if failed or stage:
        raise ConfigError(
            "--rehearse tries every row as far as it goes; leave out --failed and --stage"
        )


def rehearse_suite(
    request: Request,
    console: Console,
    documents: report.Documents,
    *,
    root: Path,
    options: RunOptions,
    small: bool,
) -> bool:
    """Rehearse a suite below ``root`` and print what it found; True if anything failed."""
    plugins = installed()
    with fresh_store(root, request.dataset) as folder:
        rehearsal = rehearsal_of(request.suite(), plugins, folder / "weights", small)
        warn = Console(stderr=True)
        for warning in made_up(rehearsal):
            print_plain(warn, warning, style="bold yellow")
        engine = options.engine(folder, plugins)
        with observed(plugins, documents is not None, options.events), engine.session():
            rehearsal, dataset = prepared(rehearsal, plugins, engine)
            run_rows(request, rehearsal, plugins, engine, dataset)
        table = table_of(rehearsal, plugins, engine, dataset)
        results = request.results(folder)
        write_tables(results, [(REHEARSAL, table)])
    if documents is None:
        console.print(table)
        print_plain(console, f"Results, which mean nothing: {results}")
    else:
        documents[request.dataset] = {REHEARSAL: table.json()}
    return bool(engine.failures or rehearsal.refused)


@contextmanager
def fresh_store(root: Path, dataset: str) -> Iterator[Path]:
    """An empty store for one rehearsal, in place of that of the last one on this dataset.

    Raises:
        ConfigError: another rehearsal is running there, or the folder is none of a rehearsal.
    """
    folder = root / f"{REHEARSAL}{AT * bool(dataset)}{dataset}"
    create(root, root)
    try:
        with locks.exclusive(lock_of(folder), wait=False):
            if folder.exists() and not (folder / MARK).is_file():
                raise ConfigError(
                    f"{folder} is not of a rehearsal, which would remove it; rename it, or give "
                    "another --store"
                )
            shutil.rmtree(folder, ignore_errors=True)
            write_text(folder / MARK, ABOUT)
            yield folder
    except locks.Busy:
        raise ConfigError(
            f"another rehearsal is running in {folder}; wait for it, or give another --store"
        ) from None


def made_up(rehearsal: Rehearsal) -> list[str]:
    return [
        f"MADE-UP WEIGHTS instead of '{label}': there is no file {file}"
        for label, file in rehearsal.made_up.items()
    ]


def prepared(rehearsal: Rehearsal, plugins: Plugins, engine: Engine) -> tuple[Rehearsal, Dataset]:
    """The rehearsal without the rows that lack something of the data, and the data.

    Raises:
        WsssError: no row is left; it says why the first cannot run.
    """
    graph = Graph(rehearsal.suite, plugins, rehearsal.suite.seeds[0])
    make_all(engine, rehearsal.suite, [graph.data])
    if graph.data.key in engine.failures:
        raise engine.failures[graph.data.key]
    dataset = graph.opened(engine.store.folder(graph.data))
    rehearsal = rehearsal.without_refused(lambda part: check_presence(part, plugins, dataset))
    if not rehearsal.suite.rows:
        raise next(iter(rehearsal.refused.values()))
    return rehearsal, prepare_suite(rehearsal.suite, plugins, engine)


def run_rows(
    request: Request, rehearsal: Rehearsal, plugins: Plugins, engine: Engine, dataset: Dataset
) -> None:
    suite = rehearsal.suite
    collector = Collector(suite, engine.store, dataset, Graph(suite, plugins, suite.seeds[0]))
    with report.writing(request.claim(engine.store.root)) as results:
        ended = run_suite(suite, plugins, engine, dataset)
        report.save_all(ended, collector, results / RECORDS)
        write_tables(results, report.tables(entries.load([results])))


def table_of(rehearsal: Rehearsal, plugins: Plugins, engine: Engine, dataset: Dataset) -> Table:
    suite = rehearsal.suite
    rows = rows_of(Graph(suite, plugins, suite.seeds[0]), dataset)
    whole = counterparts(rehearsal, plugins, dataset)
    stages = [
        result_of(stage, engine) or passed(stage, whole[stage.key], engine, dataset)
        for stage in upstream(*(target for row in rows for target in row.targets))
    ]
    if rehearsal.small:
        stages = [replace(s, seconds=None) if s.heavy else s for s in stages]
    failures = [f"row {method}: {error}" for method, error in rehearsal.refused.items()]
    failures += dict.fromkeys(map(str, engine.failures.values()))
    notes = [*made_up(rehearsal), *([SMALL] if rehearsal.small else [])]
    return rehearsal_table(suite.title, stages, failures, notes)


def result_of(stage: Stage, engine: Engine) -> Rehearsed | None:
    """What to say of a stage that did not pass; None if it did."""
    if engine.store.done(stage):
        return None
    failure = engine.failures.get(stage.key)
    state = FAILED if failure and failure.stage == stage.title else MISSED
    return Rehearsed(stage.title, state, stage.heavy)


def passed(stage: Stage, whole: Mapping[str, Stage], engine: Engine, dataset: Dataset) -> Rehearsed:
    """What a stage took, and what those of the ``whole`` suite would."""
    cost = engine.store.manifest(stage)["cost"]
    every: Any = dataset
    few, every = image_counts(dataset), image_counts(every.dataset)
    estimates = [extrapolated(counterpart, cost, few, every) for counterpart in whole.values()]
    return Rehearsed(
        title=stage.title,
        state=PASSED,
        heavy=stage.heavy,
        step_seconds=step_seconds(cost),
        memory=cost["gpu_peak_memory"] or cost["peak_memory"],
        seconds=sum(e.seconds for e in estimates),
        bytes=sum(e.bytes for e in estimates),
    )
