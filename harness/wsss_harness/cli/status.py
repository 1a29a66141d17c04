"""`wsss status`: what runs on a store at the moment."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from wsss_harness.cli.plan_tree import duration
from wsss_harness.contract.errors import DataError
from wsss_harness.execution.status_files import live_runs


def print_status(root: Path, console: Console, as_json: bool) -> None:
    if not root.is_dir():
        raise DataError(f"there is no store {root}; name the store of a run with --store")
    live = list(live_runs(root))
    if as_json:
        console.print_json(json.dumps(live))
        return
    if not live:
        console.print(f"nothing runs on {root}", highlight=False, soft_wrap=True)
    for run in live:
        failed = f", [red]{run['failed']} failed[/]" if run["failed"] else ""
        console.print(
            f"[bold]{escape(run['suite'])}[/] on {escape(run['where'])}, for "
            f"{duration(run['seconds'])}: {run['ended']} of {run['stages']} stages{failed}",
            highlight=False,
            soft_wrap=True,
        )
        if run["running"]:
            console.print(_running(run["running"]))


def _running(stages: list[Mapping[str, Any]]) -> Table:
    table = Table(box=box.SIMPLE_HEAD)
    table.add_column("Running")
    for column in ("done", "since", "about left"):
        table.add_column(column, justify="right")
    for stage in stages:
        part = stage["part"]
        title = stage["stage"] + (f", part {part['index'] + 1} of {part['count']}" if part else "")
        done, total, seconds = stage["done"], stage["total"], stage["seconds"]
        share = f"{done}/{total}" if total else "-"
        remaining = duration(seconds * (total - done) / done) if done else "-"
        table.add_row(escape(title), share, duration(seconds), remaining)
    return table
