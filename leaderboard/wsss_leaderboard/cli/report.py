"""Run a suite and show what came out: records, tables and figures."""

import sys
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from rich.console import Console

from wsss_harness.cli.progress import Display, EventDisplay, make_display
from wsss_harness.execution.repeat import repeat_row, row_of
from wsss_harness.execution.run import make_kind, prepare_suite, run_suite
from wsss_harness.execution.run_options import RunOptions
from wsss_harness.plugins.registry import Plugins, installed
from wsss_harness.store.layout import RECORDS, create
from wsss_harness.store.stage import upstream
from wsss_harness.store.store import Store
from wsss_harness.store.versions import version_warnings
from wsss_harness.suite.graph import Graph
from wsss_harness.suite.rows import RowStages
from wsss_harness.suite.selection import Request
from wsss_harness.system import locks
from wsss_harness.system.files import remove_temporary_files
from wsss_harness.system.limits import Limits
from wsss_leaderboard.figures.examples import publishable, write_examples
from wsss_leaderboard.figures.pictures import draw
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
from wsss_leaderboard.tables.refinement import refinement_table
from wsss_leaderboard.tables.table import Table, write_tables


def run_and_report(
    request: Request,
    root: Path,
    how: RunOptions,
    again: bool,
    console: Console,
    documents: dict[str, Any] | None,
) -> bool:
    """Run a suite, write its results below ``root`` and print its tables; True if a row failed.

    ``again`` works on rows that failed before and no others. ``documents`` gets the tables instead,
    by the name of the dataset.
    """
    suite, plugins, results = request.suite(), installed(), request.results(root)
    engine = how.engine(root, plugins)
    store = engine.store
    wanted = failed(load_records(results / RECORDS)) if again else None
    with (
        written(results, root),
        watched(plugins, display_of(documents is not None, how.events)),
        engine.session(),
    ):
        dataset = prepare_suite(suite, plugins, engine)
        collector = Collector(suite, store, dataset, Graph(suite, plugins, suite.seeds[0]))
        outcomes, found = [], {}
        for outcome in run_suite(suite, plugins, engine, dataset, wanted):
            name, record = collector.save(outcome, results / RECORDS)
            outcomes.append(outcome)
            found[name] = record
        outcomes.sort(key=lambda outcome: outcome.number)
        remove_others(results / RECORDS, found)
        write_tables(results, tables(entries.load([results])))
        draw(results, suite, store, dataset, outcomes)
        if publishable(suite, plugins):
            write_examples(results, suite, store, dataset, outcomes)
    warn_of_versions([outcome.row for outcome in outcomes], store)
    made = tables(entries.load([results]))
    if documents is None:
        print_tables(made, [results], console)
    else:
        documents[request.dataset] = json_of(made)
    return bool(notes.failures(found.values()))


def warn_of_versions(rows: Iterable[RowStages], store: Store) -> None:
    """Print to stderr, so that JSON stays clean, which stages other versions of libraries made."""
    stages = upstream(*(target for row in rows for target in row.targets))
    for warning in version_warnings(stages, store):
        Console(stderr=True).print(f"warning: {warning}", style="yellow", soft_wrap=True)


def failed(found: Iterable[Record]) -> set[tuple[str, int]]:
    """Method and seed of the records that say that their row failed."""
    return {(record.method, record.seed) for record in found if record.failure}


@contextmanager
def written(results: Path, root: Path) -> Iterator[None]:
    """Write in a results folder, without what a run that was killed has left half-written there."""
    create(results, root)
    lock = results / ".lock"
    with suppress(locks.Busy), locks.exclusive(lock, wait=False):
        remove_temporary_files(results)
    with locks.shared(lock, wait=True):
        yield


def run_until(request: Request, root: Path, how: RunOptions, kind: str, out: Console) -> bool:
    """Make the stages of one kind and what they need, without any table; True if one failed."""
    suite, plugins = request.suite(), installed()
    engine = how.engine(root, plugins)
    with watched(plugins, display_of(as_json=False, events=how.events)):
        stages, failures = make_kind(suite, plugins, engine, kind)
    for failure in dict.fromkeys(str(failure) for failure in failures):
        out.print(f"failed: {failure}", style="red", highlight=False, markup=False, soft_wrap=True)
    places = {engine.store.folder(stage).parent for stage in stages}
    told = f"{len(stages) - len(failures)} of {len(stages)} stages are in"
    out.print(f"{told} {', '.join(map(str, places))}", highlight=False, soft_wrap=True)
    return bool(failures)


def report_twin(
    request: Request, method: str, seed: int | None, root: Path, limits: Limits, out: Console
) -> bool:
    """Make a row twice and say whether its bytes are the same; True if they are."""
    plugins = installed()
    row = row_of(request.suite(), plugins, method, seed)
    with watched(plugins, display_of(as_json=False)):
        compared = list(repeat_row(row, Store(root, plugins.tell, limits)))
    last = compared[-1]
    if not last.differing:
        told = f"{len(compared)} stages of {method}, seed {row.seed}: the same bytes twice"
    else:
        named = ", ".join(last.differing[:3])
        more = f" and {len(last.differing) - 3} more" if last.differing[3:] else ""
        told = f"{method}, seed {row.seed}: {last.stage.title} differs in {named}{more}"
        told += f"; the {len(compared) - 1} stages before it are the same"
    out.print(told, highlight=False, markup=False, soft_wrap=True)
    return not last.differing


def display_of(as_json: bool, events: bool = False) -> Display:
    """The display, bound to the terminal now: what libraries print later goes to a stage's log."""
    console = Console(file=sys.stderr if as_json else sys.stdout)
    return EventDisplay(console) if events else make_display(console)


@contextmanager
def watched(plugins: Plugins, display: Display) -> Iterator[None]:
    """Let ``display`` observe the stages."""
    with display:
        plugins.manager.register(display)
        try:
            yield
        finally:
            plugins.manager.unregister(display)


def remove_others(folder: Path, found: Collection[str]) -> None:
    """Remove records of rows that the suite no longer has, and their counts."""
    for path in folder.glob("*.json"):
        if path.name not in found:
            path.unlink()
            counts.path_of(path).unlink(missing_ok=True)


def tables(loaded: Sequence[LoadedRecord]) -> list[tuple[str, Table]]:
    """The tables of the records of one results folder, by the names of their files."""
    found = [run.record for run in loaded]
    standing = standings(loaded)
    made = [("masks", mask_table(found, standing)), ("failures", failure_table(found))]
    if any(record.recipe["segmentors"] for record in found):
        made.append(("segmentation", segmentation_table(found, standing)))
    if anatomy := anatomy_tables(found):
        made += zip(("anatomy", "gains"), anatomy, strict=True)
    further = (
        ("further", further_table(found)),
        ("refinement", refinement_table(found, standing)),
    )
    return [*made, *((name, table) for name, table in further if table)]


def said_once(tables: Iterable[Table]) -> Iterator[Table]:
    """The tables one below the other, without the notes that stand below an earlier one."""
    said: set[str] = set()
    for table in tables:
        yield replace(table, notes=tuple(note for note in table.notes if note not in said))
        said |= set(table.notes)


def print_tables(
    made: Sequence[tuple[str, Table]], folders: Iterable[Path], console: Console
) -> None:
    """Print tables and the folders of results that they are of."""
    for table in said_once([table for _, table in made]):
        console.print(table)
    for folder in folders:
        console.print(f"Results: {folder}", highlight=False, soft_wrap=True)


def json_of(made: Iterable[tuple[str, Table]]) -> dict[str, Any]:
    return {name: table.json() for name, table in made}
