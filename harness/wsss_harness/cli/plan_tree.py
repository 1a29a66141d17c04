"""A plan as people read it: a tree in which each stage hangs below its last input, and a sum."""

from pathlib import Path
from typing import Any

from rich.console import Console
from rich.filesize import decimal
from rich.markup import escape
from rich.tree import Tree

from wsss_harness.cli.plan_drawing import draw
from wsss_harness.cli.plan_names import names
from wsss_harness.plugins.registry import installed
from wsss_harness.store.store import Store
from wsss_harness.store.versions import version_warnings
from wsss_harness.suite.plan import ANOTHER, Plan, Planned
from wsss_harness.suite.selection import Request
from wsss_harness.suite.suite_rows import plan_of

WIDE = 160  # columns of a file, where nobody sees an edge


def print_plan_of(
    request: Request,
    root: Path,
    console: Console,
    documents: dict[str, Any] | None,
    picture: Path | None,
) -> None:
    """Print the plan of a suite on the store ``root``, or draw it if a file for it is named.

    Each of several datasets has a file of its own. ``documents`` gets the plan instead, by the name
    of the dataset.
    """
    suite, plugins = request.suite(), installed()
    store = Store(root, plugins.tell)
    made = plan_of(suite, plugins, store)
    for warning in version_warnings([planned.stage for planned in made.stages], store):
        Console(stderr=True).print(f"warning: {warning}", style="yellow", soft_wrap=True)
    if picture:
        picture = picture.with_stem("-".join(filter(None, (picture.stem, request.dataset))))
        draw(made, suite.title, picture)
    if documents is not None:
        documents[request.dataset] = made.json()
    elif picture:
        console.print(f"drew {picture}", highlight=False, soft_wrap=True)
    else:
        print_plan(made, suite.title, console)


def print_plan(plan: Plan, title: str, console: Console) -> None:
    if not console.is_terminal:
        console.width = max(console.width, WIDE)
    tree = Tree(f"[bold]{escape(title)}[/]", guide_style="dim")
    called = names([planned.stage for planned in plan.stages])
    branches: dict[str, Tree] = {}
    depths: dict[str, int] = {}
    for planned in plan.stages:
        inputs = [needed.key for needed in planned.stage.inputs.values()]
        last = max(inputs, key=depths.__getitem__, default=None)
        depths[planned.stage.key] = 1 + (depths[last] if last else 0)
        branch = branches[last] if last else tree
        branches[planned.stage.key] = branch.add(_line(planned, called[planned.stage.key]))
    console.print(tree, highlight=False, soft_wrap=True)
    console.print(summary(plan), highlight=False, soft_wrap=True)


def _line(planned: Planned, name: str) -> str:
    title = escape(name)  # the branch says on what
    if planned.done:
        return f"[green]done[/]  {title}"
    if not planned.needed:
        return f"[dim]spare {title}  {escape(planned.reasons[0])}; nothing needs it[/]"
    first = planned.reasons[0]  # the branch says which other input it follows
    reason = "follows" if first.startswith(ANOTHER) else escape(first)
    seconds = "" if planned.seconds is None else f", {duration(planned.seconds)}"
    return f"[yellow]to do[/] {title}  [dim]{reason}{seconds}[/]"


def summary(plan: Plan) -> str:
    """How much is done and how much is left, in one or two lines."""
    content = plan.json()
    head = f"{len(plan.stages)} stages, {content['shared']} shared by rows; {content['done']} done"
    if any(planned.stage.kind == "data" for planned in plan.to_do):
        head += " (control rows are known once the data is there)"
    if not plan.to_do:
        return f"{head}, nothing to do"
    known = content["to_do"] - content["unknown"]
    left = f"about {duration(content['seconds'])} and {decimal(content['bytes'])} for {known}"
    unknown = f"unknown for {content['unknown']}, of whose kind and name none was made here"
    told = [left] * (known > 0) + [unknown] * (content["unknown"] > 0)
    return f"{head}, {content['to_do']} to do\n{'; '.join(told)}"


def duration(seconds: float) -> str:
    """Seconds as people say them: 4.2 s, 3 min, 2 h 10 min."""
    if seconds < 90:
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60} min"
