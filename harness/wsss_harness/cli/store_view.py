"""The commands `wsss store ...`."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from rich import box
from rich.console import Console
from rich.filesize import decimal
from rich.table import Table

from wsss_harness.cli.messages import plural, print_plain
from wsss_harness.plugins.registry import installed
from wsss_harness.store import housekeeping
from wsss_harness.store.archive import export_stage, find_stage, import_stage
from wsss_harness.store.housekeeping import StoredStage
from wsss_harness.store.stage import upstream
from wsss_harness.store.store import Store
from wsss_harness.suite.selection import Request
from wsss_harness.suite.suite_rows import known_rows


def print_sizes(root: Path, console: Console, as_json: bool) -> None:
    """Print number and size of stages, by kind and by suite."""
    stages = housekeeping.stages(root)
    by_kind: dict[str, list[StoredStage]] = {}
    for stage in stages:
        by_kind.setdefault(stage.kind, []).append(stage)
    kinds = {kind: _sum(group) for kind, group in by_kind.items()}
    suites = {
        suite: _sum([stage for stage in stages if stage.key in keys])
        for suite, keys in housekeeping.suites_of(root).items()
    }
    if as_json:
        console.print_json(json.dumps({"kinds": kinds, "suites": suites, "all": _sum(stages)}))
        return
    console.print(_table("Stages", {**kinds, "all": _sum(stages)}))
    if suites:
        console.print(_table("Results (shared stages count for each)", suites))


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


def print_damages(root: Path, console: Console) -> bool:
    """Name the damaged stages; True if there are any."""
    stages = housekeeping.stages(root)
    any_damaged = False
    for stage, problem in housekeeping.damaged(stages):
        any_damaged = True
        remedy = "" if "delete" in problem else f"; delete {stage.folder} to have it made again"
        print_plain(console, f"{stage.title}: {problem}{remedy}", style="red")
    if not any_damaged:
        finished = sum(stage.manifest is not None for stage in stages)
        print_plain(console, f"{plural(finished, 'finished stage')}, no file damaged")
    return any_damaged


def prune(suites: Sequence[Path], root: Path, yes: bool, console: Console) -> None:
    """List, or remove if ``yes``, the stages that neither records nor the suites need."""
    needed = {key for keys in housekeeping.suites_of(root).values() for key in keys}
    plugins = installed()
    for request in (request for path in suites for request in Request(path).each()):
        rows, further = known_rows(request.suite(), plugins, Store(root, plugins.tell))
        targets = [target for row in rows for target in row.targets]
        needed |= {stage.key for stage in upstream(*targets, *further)}
    unneeded = housekeeping.unneeded(housekeeping.stages(root), needed)
    sizes = {stage.folder: stage.bytes for stage in unneeded}  # of removed ones there is none
    pruned = list(housekeeping.remove(unneeded)) if yes else unneeded
    for stage in pruned:
        print_plain(console, f"{decimal(sizes[stage.folder]):>10}  {stage.folder}")
    size = decimal(sum(sizes[stage.folder] for stage in pruned))
    total = f"{plural(len(pruned), 'stage')}, {size}"
    print_plain(console, f"removed {total}" if yes else f"{total} not needed; --yes removes")
    if len(pruned) < len(unneeded):
        print_plain(console, f"kept, as they are being made: {len(unneeded) - len(pruned)}")


def export(wanted: str, archive: Path, root: Path, console: Console) -> None:
    stage = find_stage(housekeeping.stages(root), wanted)
    export_stage(stage, archive)
    print_plain(console, f"wrote {stage.title} to {archive}, {decimal(archive.stat().st_size)}")


def import_(archive: Path, root: Path, console: Console) -> None:
    stage = import_stage(archive, root)
    print_plain(console, f"{stage.title} is in {stage.folder}")
