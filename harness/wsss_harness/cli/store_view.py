"""The commands `wsss store ...`."""

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from rich import box
from rich.console import Console
from rich.filesize import decimal
from rich.table import Table

from wsss_harness.plugins.registry import installed
from wsss_harness.store import housekeeping
from wsss_harness.store.archive import chosen, export_stage, import_stage
from wsss_harness.store.housekeeping import StoredStage
from wsss_harness.store.stage import upstream
from wsss_harness.store.store import Store
from wsss_harness.suite.selection import Request
from wsss_harness.suite.suite_rows import known_rows


def print_sizes(root: Path, console: Console, as_json: bool) -> None:
    kept = housekeeping.stages(root)
    by_kind: dict[str, list[StoredStage]] = {}
    for one in kept:
        by_kind.setdefault(one.kind, []).append(one)
    by_suite = {
        name: [one for one in kept if one.key in keys]
        for name, keys in housekeeping.suites_of(root).items()
    }
    kinds = {name: _sum(found) for name, found in by_kind.items()}
    suites = {name: _sum(found) for name, found in by_suite.items()}
    if as_json:
        console.print_json(json.dumps({"kinds": kinds, "suites": suites, "all": _sum(kept)}))
        return
    console.print(_table("Stages", {**kinds, "all": _sum(kept)}))
    if by_suite:
        console.print(_table("Results (what two share counts for both)", suites))


def _sum(kept: Iterable[StoredStage]) -> dict[str, int]:
    found = list(kept)
    finished = sum(one.manifest is not None for one in found)
    return {
        "finished": finished,
        "unfinished": len(found) - finished,
        "bytes": sum(one.bytes for one in found),
    }


def _table(name: str, lines: Mapping[str, Mapping[str, int]]) -> Table:
    table = Table(box=box.SIMPLE_HEAD)
    table.add_column(name)
    for column in ("finished", "unfinished", "size"):
        table.add_column(column, justify="right")
    for label, line in lines.items():
        numbers = str(line["finished"]), str(line["unfinished"]), decimal(line["bytes"])
        table.add_row(label, *numbers)
    return table


def print_damages(root: Path, console: Console) -> bool:
    """Name the damaged stages; True if there are any."""
    kept = housekeeping.stages(root)
    found = False
    for one, problem in housekeeping.damaged(kept):
        found = True
        console.print(
            f"{one.title}: {problem}"
            + ("" if "delete" in problem else f"; delete {one.folder} to have it made again"),
            style="red",
            highlight=False,
            markup=False,
            soft_wrap=True,
        )
    if not found:
        finished = sum(one.manifest is not None for one in kept)
        console.print(f"{finished} finished stages, every file as it was made", highlight=False)
    return found


def prune(suites: Sequence[Path], root: Path, yes: bool, console: Console) -> None:
    """List, or remove if ``yes``, what neither the records in the store nor the suites need."""
    needed = {key for keys in housekeeping.suites_of(root).values() for key in keys}
    plugins = installed()
    for request in (one for path in suites for one in Request(path).each()):
        rows, beside = known_rows(request.suite(), plugins, Store(root, plugins.tell))
        targets = [target for row in rows for target in row.targets]
        needed |= {stage.key for stage in upstream(*targets, *beside)}
    found = housekeeping.unneeded(housekeeping.stages(root), needed)
    sizes = {one.folder: one.bytes for one in found}
    removed = list(housekeeping.remove(found)) if yes else found
    for one in removed:
        console.print(f"{decimal(sizes[one.folder]):>10}  {one.folder}", highlight=False)
    stages = "stage" if len(removed) == 1 else "stages"
    told = f"{len(removed)} {stages}, {decimal(sum(sizes[one.folder] for one in removed))}"
    if yes:
        console.print(f"removed {told}", highlight=False)
    else:
        console.print(f"{told} that no suite needs; --yes removes them", highlight=False)
    if len(removed) < len(found):
        console.print(f"{len(found) - len(removed)} are being made at the moment and stay")


def export(wanted: str, archive: Path, root: Path, console: Console) -> None:
    one = chosen(housekeeping.stages(root), wanted)
    export_stage(one, archive)
    size = decimal(archive.stat().st_size)
    console.print(f"wrote {one.title} to {archive}, {size}", highlight=False, soft_wrap=True)


def import_(archive: Path, root: Path, console: Console) -> None:
    one = import_stage(archive, root)
    console.print(f"{one.title} is in {one.folder}", highlight=False, soft_wrap=True)
