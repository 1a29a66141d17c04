"""The commands `wsss store ...`."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich import box
from rich.console import Console
from rich.filesize import decimal
from rich.markup import escape
from rich.table import Table

from wsss_harness.cli.commands import Commands
from wsss_harness.cli.messages import plural, print_plain
from wsss_harness.cli.options import RUNS, JsonOption, StoreOption, request_of
from wsss_harness.plugins.registry import installed
from wsss_harness.store import archive as archives
from wsss_harness.store import housekeeping, selection_ledger
from wsss_harness.store.housekeeping import StoredStage
from wsss_harness.store.stage import upstream
from wsss_harness.store.store import Store
from wsss_harness.suite.suite_rows import known_rows

app = Commands()


@app.command("list")
def list_store(store: StoreOption = RUNS, as_json: JsonOption = False) -> None:
    """Show the size of a store, by kind of stage and by suite, and what was scored on truth."""
    stages = housekeeping.stages(store)
    by_kind: dict[str, list[StoredStage]] = {}
    for stage in stages:
        by_kind.setdefault(stage.kind, []).append(stage)
    kinds = {kind: _sum(group) for kind, group in by_kind.items()}
    suites = {
        suite: _sum([stage for stage in stages if stage.key in keys])
        for suite, keys in housekeeping.suites_of(store).items()
    }
    scored = [{**t._asdict(), **counts} for t, counts in selection_ledger.scored(store).items()]
    console = Console()
    if as_json:
        sums = {"kinds": kinds, "suites": suites, "all": _sum(stages), "scored": scored}
        console.print_json(json.dumps(sums))
        return
    console.print(_table("Stages", {**kinds, "all": _sum(stages)}))
    if suites:
        console.print(_table("Results (shared stages count for each)", suites))
    if scored:
        console.print(_scored_table(scored))


def _sum(stages: Sequence[StoredStage]) -> dict[str, int]:
    finished = sum(stage.manifest is not None for stage in stages)
    return {
        "finished": finished,
        "unfinished": len(stages) - finished,
        "bytes": sum(stage.bytes for stage in stages),
    }


def _table(name: str, rows: Mapping[str, Mapping[str, int]]) -> Table:
    table = Table(box=box.SIMPLE_HEAD)
    table.add_column(name)
    for column in ("finished", "unfinished", "size"):
        table.add_column(column, justify="right")
    for label, sums in rows.items():
        numbers = str(sums["finished"]), str(sums["unfinished"]), decimal(sums["bytes"])
        table.add_row(label, *numbers)
    return table


def _scored_table(scored: Sequence[Mapping[str, Any]]) -> Table:
    table = Table(box=box.SIMPLE_HEAD)
    table.add_column("Scored on the truth of")
    for column in ("images", *selection_ledger.UNITS):
        table.add_column(column, justify="right")
    for row in scored:
        numbers = (f"{row[name]:,}" for name in ("images", *selection_ledger.UNITS))
        table.add_row(escape(f"{row['dataset']}, {row['split']}"), *numbers)
    return table


@app.command("verify")
def verify_store(store: StoreOption = RUNS) -> None:
    """Read all files of finished stages and name the damaged ones."""
    console, stages = Console(), housekeeping.stages(store)
    any_damaged = False
    for stage, problem in housekeeping.damaged(stages):
        any_damaged = True
        remedy = "" if "delete" in problem else f"; delete {stage.folder} to have it made again"
        print_plain(console, f"{stage.title}: {problem}{remedy}", style="red")
    if any_damaged:
        raise typer.Exit(1)
    finished = sum(stage.manifest is not None for stage in stages)
    print_plain(console, f"{plural(finished, 'finished stage')}, no file damaged")


@app.command("prune")
def prune_store(
    suites: Annotated[
        list[Path] | None,
        typer.Argument(metavar="SUITE", help="Also keep the stages of these suites."),
    ] = None,
    store: StoreOption = RUNS,
    yes: Annotated[
        bool, typer.Option("--yes", help="Remove them; without it they are listed.")
    ] = False,
) -> None:
    """List or remove stages that neither results nor the given suites need."""
    needed = {key for keys in housekeeping.suites_of(store).values() for key in keys}
    needed |= _keys_of(suites or (), store)
    unneeded = housekeeping.unneeded(housekeeping.stages(store), needed)
    sizes = {stage.folder: stage.bytes for stage in unneeded}  # a removed stage has no size
    if yes:
        selection_ledger.note_all(store)
    pruned = list(housekeeping.remove(unneeded)) if yes else unneeded
    console = Console()
    for stage in pruned:
        print_plain(console, f"{decimal(sizes[stage.folder]):>10}  {stage.folder}")
    size = decimal(sum(sizes[stage.folder] for stage in pruned))
    total = f"{plural(len(pruned), 'stage')}, {size}"
    print_plain(console, f"removed {total}" if yes else f"{total} not needed; --yes removes")
    if len(pruned) < len(unneeded):
        print_plain(console, f"kept, as they are being made: {len(unneeded) - len(pruned)}")


def _keys_of(suites: Sequence[Path], root: Path) -> set[str]:
    plugins, keys = installed(), set()
    for request in (request for path in suites for request in request_of(path, None).each()):
        rows, further = known_rows(request.suite(), plugins, Store(root, plugins.tell))
        targets = [target for row in rows for target in row.targets]
        keys |= {stage.key for stage in upstream(*targets, *further)}
    return keys


@app.command("export")
def export_stage(
    stage: Annotated[
        str,
        typer.Argument(
            metavar="STAGE", help="Its title, such as 'fit eps', or the start of its key."
        ),
    ],
    archive: Annotated[Path, typer.Argument(metavar="ARCHIVE", help="The tar file to write.")],
    store: StoreOption = RUNS,
) -> None:
    """Write a finished stage as an archive for another store."""
    stored = archives.find_stage(housekeeping.stages(store), stage)
    archives.export_stage(stored, archive)
    size = decimal(archive.stat().st_size)
    print_plain(Console(), f"wrote {stored.title} to {archive}, {size}")


@app.command("import")
def import_stage(
    archive: Annotated[
        Path, typer.Argument(metavar="ARCHIVE", help="A tar file of wsss store export.")
    ],
    store: StoreOption = RUNS,
) -> None:
    """Check an archive and add its stage to the store."""
    stage = archives.import_stage(archive, store)
    print_plain(Console(), f"{stage.title} is in {stage.folder}")
