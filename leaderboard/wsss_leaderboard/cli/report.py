"""Run a suite and show what came out: records, tables and figures."""

import shlex
import tempfile
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import typer
from rich.console import Console

from wsss_harness.cli.app import any_failed, print_documents
from wsss_harness.cli.messages import plural, print_plain
from wsss_harness.cli.plan_tree import warn_of_versions
from wsss_harness.cli.progress import observed
from wsss_harness.contract.supervision import Dataset, scores_masks
from wsss_harness.execution.engine import RunOptions
from wsss_harness.execution.repeat import repeat_row, row_of
from wsss_harness.execution.run import RowOutcome, make_kind, prepare_suite, run_suite
from wsss_harness.plugins.registry import Plugins, installed
from wsss_harness.store.layout import RECORDS
from wsss_harness.store.stage import upstream
from wsss_harness.store.store import Store
from wsss_harness.suite.graph import Graph
from wsss_harness.suite.presence import UNSCORED
from wsss_harness.suite.rows import RowStages
from wsss_harness.suite.selection import Request
from wsss_harness.suite.spec import Suite
from wsss_harness.system import locks
from wsss_harness.system.files import remove_temporary_files
from wsss_harness.system.limits import Limits
from wsss_leaderboard.figures.examples import draw, publishable, write_examples
from wsss_leaderboard.ranking import entries
from wsss_leaderboard.ranking.entries import LoadedRecord
from wsss_leaderboard.ranking.standings import standings
from wsss_leaderboard.records import counts
from wsss_leaderboard.records.collect import Collector
from wsss_leaderboard.records.record import Record, load_records
from wsss_leaderboard.tables import notes
from wsss_leaderboard.tables.builtin import (
    anatomy_tables,
    failure_table,
    further_table,
    mask_table,
    segmentation_table,
)
from wsss_leaderboard.tables.cost import cost_table
from wsss_leaderboard.tables.factorial import factorial_tables
from wsss_leaderboard.tables.refinement import refinement_table
from wsss_leaderboard.tables.summary import leaders, summary_table
from wsss_leaderboard.tables.table import Table, write_tables

SUMMARY = "summary"  # the table that a run ends with


Documents = dict[str, Any] | None
RunOne = Callable[[Request, Console, Documents], bool]


def run_each(requests: Iterable[Request], run_one: RunOne, events: bool, as_json: bool) -> None:
    """Run a suite on each of its datasets; exit with 1 if ``run_one`` says that something failed.

    ``run_one`` gets a request, a console, and with ``as_json`` the documents to put JSON into.
    """
    console = Console(stderr=events and not as_json)  # events have stdout to themselves
    documents: Documents = {} if as_json else None
    try:
        problems = any_failed(requests, lambda request: run_one(request, console, documents))
    except KeyboardInterrupt:
        Console(stderr=True).print("stopped; run the same command again to go on", style="bold")
        raise typer.Exit(130) from None
    print_documents(documents, console)
    if problems:
        raise typer.Exit(1)


def run_and_report(
    request: Request,
    console: Console,
    documents: Documents,
    *,
    root: Path,
    options: RunOptions,
    only_failed: bool,
) -> bool:
    """Run a suite, write its results below ``root`` and print its tables; True if a row failed.

    ``only_failed``: run only rows whose last run failed. If there are ``documents``, the tables are
    put there, by the name of the dataset, and not printed.
    """
    suite, plugins = request.suite(), installed()
    engine = options.engine(root, plugins)
    failed = failed_rows(request.results(root)) if only_failed else None
    with observed(plugins, documents is not None, options.events), engine.session():
        dataset = prepare_suite(suite, plugins, engine)
        collector = Collector(suite, engine.store, dataset, Graph(suite, plugins, suite.seeds[0]))
        if not scores_masks(dataset):
            print_plain(Console(stderr=True), UNSCORED, style="yellow")
        with writing(request.claim(root)) as results:  # not before: a refused suite has none
            first = partial(print_first, collector, console) if documents is None else None
            ended = run_suite(suite, plugins, engine, dataset, failed, first)
            outcomes, saved = save_all(ended, collector, results / RECORDS)
            named_tables = tables(entries.load([results]))
            write_tables(results, named_tables)
            draw_all(results, suite, plugins, engine.store, dataset, outcomes)
    warn_of_versions(upstream(*(t for o in outcomes for t in o.row.targets)), engine.store)
    if documents is None:
        print_tables(named_tables, [results], console, printed=[UNSCORED])
    else:
        documents[request.dataset] = {name: table.json() for name, table in named_tables}
    for warning in engine.warnings:
        print_plain(Console(stderr=True), str(warning), style="yellow")
    return bool(notes.failures(saved))


def print_first(collector: Collector, console: Console, rows: Mapping[int, RowStages]) -> None:
    """Print the masks of rows before their segmentors and refiners are done, if there is room."""
    with suppress(OSError), tempfile.TemporaryDirectory() as folder:
        for number, row in rows.items():
            masks_alone = row.row.model_copy(update={"segmentors": ()})
            measured = replace(row, row=masks_alone, segmentations=(), explained=(), further={})
            collector.save(RowOutcome(measured, number=number), Path(folder) / RECORDS)
        loaded = entries.load([Path(folder)])
        ranked = standings(loaded)
        table = summary_table(loaded, ranked)
        console.print(replace(table, title=f"So far: {table.title}", notes=leaders(loaded, ranked)))


def failed_rows(results: Path) -> set[tuple[str, int]]:
    """Method and seed of each row whose last run failed."""
    records = load_records(results / RECORDS)
    return {(record.method, record.seed) for record in records if record.failure}


def save_all(
    ended: Iterable[RowOutcome], collector: Collector, folder: Path
) -> tuple[list[RowOutcome], list[Record]]:
    """Save the record of each row when it ends, and remove those of rows that the suite lost.

    Outcomes come back in the order of the suite, records in that in which rows ended.
    """
    outcomes, saved = [], {}
    for outcome in ended:
        name, record = collector.save(outcome, folder)
        outcomes.append(outcome)
        saved[name] = record
    remove_others(folder, saved)
    return sorted(outcomes, key=lambda outcome: outcome.number), list(saved.values())


def draw_all(
    results: Path,
    suite: Suite,
    plugins: Plugins,
    store: Store,
    dataset: Dataset,
    outcomes: Sequence[RowOutcome],
) -> None:
    """Draw the figures of a run, and examples for public pages if the dataset permits them."""
    draw(results, suite, store, dataset, outcomes)
    if publishable(suite, plugins):
        write_examples(results, suite, store, dataset, outcomes)


@contextmanager
def writing(results: Path) -> Iterator[Path]:
    """Hold a results folder for writing, after removing what killed runs left half-written."""
    lock = results / ".lock"
    with suppress(locks.Busy), locks.exclusive(lock, wait=False):
        remove_temporary_files(results)
    with locks.shared(lock, wait=True):
        yield results


def run_until(
    request: Request,
    console: Console,
    documents: Documents,
    *,
    root: Path,
    options: RunOptions,
    kind: str,
) -> bool:
    """Make all stages of a kind and what they need, without tables; True if one failed."""
    suite, plugins = request.suite(), installed()
    engine = options.engine(root, plugins)
    with observed(plugins, events=options.events):
        stages, failures = make_kind(suite, plugins, engine, kind)
    for message in dict.fromkeys(str(failure) for failure in failures):
        print_plain(console, f"failed: {message}", style="red")
    folders = ", ".join(map(str, {engine.store.folder(stage).parent for stage in stages}))
    done = len(stages) - len(failures)
    print_plain(console, f"{done} of {plural(len(stages), 'stage')} done, in {folders}")
    return bool(failures)


def report_twin(
    request: Request, method: str, seed: int | None, root: Path, limits: Limits, console: Console
) -> bool:
    """Make a row twice and report whether its bytes are the same; True if they are."""
    plugins = installed()
    store = Store(root, plugins.tell, limits)
    with observed(plugins):
        row = row_of(request.suite(), plugins, method, seed, store)
        compared = list(repeat_row(row, store))
    stage, differing = compared[-1]
    if not differing:
        stages = plural(len(compared), "stage")
        print_plain(console, f"{stages} of {method}, seed {row.seed}: the same bytes twice")
        return True
    names = ", ".join(differing[:3])
    more = f" and {len(differing) - 3} more" if differing[3:] else ""
    print_plain(
        console,
        f"{method}, seed {row.seed}: {stage.title} differs in {names}{more}; "
        f"the same before it: {plural(len(compared) - 1, 'stage')}",
    )
    return False


def remove_others(folder: Path, names: Collection[str]) -> None:
    """Remove records of rows that the suite no longer has, and their counts."""
    for path in folder.glob("*.json"):
        if path.name not in names:
            path.unlink()
            counts.path_of(path).unlink(missing_ok=True)


def tables(loaded: Sequence[LoadedRecord]) -> list[tuple[str, Table]]:
    """The tables of one results folder, by the names of their files."""
    records = [entry.record for entry in loaded]
    ranked = standings(loaded)
    masks, failures = mask_table(records, ranked), failure_table(records)
    named = [(SUMMARY, summary_table(loaded, ranked)), ("masks", masks), ("failures", failures)]
    if any(record.recipe["segmentors"] for record in records):
        named.append(("segmentation", segmentation_table(records, ranked)))
    if anatomy := anatomy_tables(records):
        named += zip(("anatomy", "gains"), anatomy, strict=True)
    if further := further_table(records):
        named.append(("further", further))
    if refinement := refinement_table(records, ranked):
        named.append(("refinement", refinement))
    if factorial := factorial_tables(loaded):
        named += zip(("factorial", "interactions"), factorial, strict=True)
    named.append(("cost", cost_table(records)))
    return [(name, notes.marked(table, records)) for name, table in named]


def without_repeated_notes(
    tables: Iterable[Table], printed: Collection[str] = ()
) -> Iterator[Table]:
    """Tables to print one below the other: each note only below the first table that has it.

    ``printed``: the notes of earlier tables.
    """
    seen = {*printed}
    for table in tables:
        yield replace(table, notes=tuple(note for note in table.notes if note not in seen))
        seen |= set(table.notes)


def print_tables(
    named_tables: Sequence[tuple[str, Table]],
    folders: Sequence[Path],
    console: Console,
    only: Collection[str] = (SUMMARY,),
    printed: Collection[str] = (),
) -> None:
    """Print the tables that ``only`` names, and say where the others are."""
    chosen = (table for name, table in named_tables if name in only)
    for table in without_repeated_notes(chosen, printed):
        console.print(table)
    for folder in folders:
        print_plain(console, f"Results: {folder}")
    if others := [name for name, _ in named_tables if name not in only]:
        results = " ".join(f"--results {shlex.quote(str(folder))}" for folder in folders)
        names = ", ".join(others)
        print_plain(console, f"More: wsss table {results} --all, or --only one of {names}")
