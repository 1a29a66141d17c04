"""Run a suite and show what came out: records, tables and figures."""

import json
import sys
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console

from wsss_harness import suite as suites
from wsss_harness.display import LiveDisplay, PlainDisplay, make_display
from wsss_harness.graph import Graph
from wsss_harness.plugins import Plugins, installed
from wsss_harness.recipe import read_suite
from wsss_harness.store import Store
from wsss_leaderboard import records
from wsss_leaderboard.collect import Collector, file_name
from wsss_leaderboard.pictures import draw
from wsss_leaderboard.records import Record
from wsss_leaderboard.refinement import refinement_table
from wsss_leaderboard.table import Table, write_tables
from wsss_leaderboard.tables import (
    by_method,
    failure_table,
    further_table,
    mask_table,
    segmentation_table,
)

RECORDS = "records"


def run_and_report(
    path: Path,
    root: Path,
    overrides: Sequence[str],
    limit: float | None,
    console: Console,
    as_json: bool,
) -> bool:
    """Run a suite, write its results below ``root`` and print its tables; True if a row failed.

    A stage may take ``limit`` seconds.
    """
    suite, plugins = read_suite(path, overrides), installed()
    results = suites.folder_of(path, root, overrides)
    store = Store(root, plugins.tell, limit)
    # Bound to the terminal now: while a stage runs, what libraries print goes to its log.
    progress = Console(file=sys.stderr if as_json else sys.stdout)
    with watched(plugins, make_display(progress)):
        dataset = suites.prepare(suite, plugins, store)
        collector = Collector(suite, store, dataset, Graph(suite, plugins, suite.seeds[0]))
        outcomes, found = [], {}
        for index, outcome in enumerate(suites.run(suite, plugins, store, dataset)):
            record = collector.record(outcome)
            outcomes.append(outcome)
            found[file_name(index, record)] = record
            records.save(record, results / RECORDS / file_name(index, record))
    remove_others(results / RECORDS, found)
    write_tables(results, tables(list(found.values())))
    draw(results, suite, store, dataset, outcomes)
    print_tables(results, console, as_json)
    return any(record.failure for record in found.values())


@contextmanager
def watched(plugins: Plugins, display: LiveDisplay | PlainDisplay) -> Iterator[None]:
    """Let ``display`` observe the stages."""
    with display:
        plugins.manager.register(display)
        try:
            yield
        finally:
            plugins.manager.unregister(display)


def remove_others(folder: Path, found: Collection[str]) -> None:
    """Remove records of rows that the suite no longer has."""
    for path in folder.glob("*.json"):
        if path.name not in found:
            path.unlink()


def tables(found: Sequence[Record]) -> list[tuple[str, Table]]:
    made = [("masks", mask_table(found)), ("failures", failure_table(found))]
    if any(record.recipe["segmentors"] for record in found):
        made.append(("segmentation", segmentation_table(found)))
    further = (
        ("further", further_table(found)),
        ("refinement", refinement_table(by_method(found))),
    )
    return [*made, *((name, table) for name, table in further if table)]


def print_tables(results: Path, console: Console, as_json: bool) -> None:
    """Print the tables of a results folder."""
    made = tables(records.load_all(results / RECORDS))
    if as_json:
        console.print_json(json.dumps({name: table.json() for name, table in made}))
        return
    for _, table in made:
        console.print(table)
    console.print(f"Results: {results}", highlight=False, soft_wrap=True)
