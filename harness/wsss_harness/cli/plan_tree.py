"""Print a plan as a tree, in which each stage hangs below its last input, and totals."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.filesize import decimal
from rich.markup import escape
from rich.tree import Tree

from wsss_harness.cli.messages import plural
from wsss_harness.cli.plan_drawing import draw
from wsss_harness.plugins.registry import installed
from wsss_harness.store.stage import Stage
from wsss_harness.store.store import Store, version_warnings
from wsss_harness.suite.plan import ANOTHER, Plan, Planned, flat
from wsss_harness.suite.selection import Request
from wsss_harness.suite.suite_rows import plan_of

WIDE = 160  # columns, if the output is a file
SEED = "seed"
SHOWN = 2  # options in a name; more where two names would be equal
Options = Mapping[str, Any]


def print_plan_of(
    request: Request,
    root: Path,
    console: Console,
    documents: dict[str, Any] | None,
    picture: Path | None,
) -> None:
    """Print the plan of a suite on the store ``root``, or draw it into the file ``picture``.

    Of several datasets, each has its own file. If there are ``documents``, the plan is put there,
    by the name of the dataset, and not printed.
    """
    suite, plugins = request.suite(), installed()
    store = Store(root, plugins.tell)
    plan = plan_of(suite, plugins, store)
    warn_of_versions([planned.stage for planned in plan.stages], store)
    if picture:
        picture = picture.with_stem("-".join(filter(None, (picture.stem, request.dataset))))
        draw(plan, names([planned.stage for planned in plan.stages]), suite.title, picture)
    if documents is not None:
        documents[request.dataset] = plan.json()
    elif picture:
        console.print(f"drew {picture}", highlight=False, soft_wrap=True)
    else:
        print_plan(plan, suite.title, console)


def warn_of_versions(stages: Iterable[Stage], store: Store) -> None:
    """Print to stderr, so that JSON stays clean, which stages other versions of libraries made."""
    for warning in version_warnings(stages, store):
        Console(stderr=True).print(f"warning: {warning}", style="yellow", soft_wrap=True)


def print_plan(plan: Plan, title: str, console: Console) -> None:
    if not console.is_terminal:
        console.width = max(console.width, WIDE)
    tree = Tree(f"[bold]{escape(title)}[/]", guide_style="dim")
    stage_names = names([planned.stage for planned in plan.stages])
    branches: dict[str, Tree] = {}
    depths: dict[str, int] = {}
    for planned in plan.stages:
        inputs = [needed.key for needed in planned.stage.inputs.values()]
        parent = max(inputs, key=depths.__getitem__, default=None)
        depths[planned.stage.key] = 1 + (depths[parent] if parent else 0)
        branch = branches[parent] if parent else tree
        branches[planned.stage.key] = branch.add(_line(planned, stage_names[planned.stage.key]))
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
    """What is done and what is left, in one or two lines."""
    totals = plan.json()
    stages = plural(len(plan.stages), "stage")
    head = f"{stages}, {totals['shared']} shared by rows; {totals['done']} done"
    if any(planned.stage.kind == "data" for planned in plan.to_do):
        head += " (control rows are planned once the data exists)"
    if not plan.to_do:
        return f"{head}, nothing to do"
    measured = totals["to_do"] - totals["unknown"]
    estimate = f"about {duration(totals['seconds'])} and {decimal(totals['bytes'])} for {measured}"
    unknown = f"unknown for {totals['unknown']}: nothing finished here tells"
    parts = [estimate] * (measured > 0) + [unknown] * (totals["unknown"] > 0)
    return f"{head}, {totals['to_do']} to do\n{'; '.join(parts)}"


def duration(seconds: float) -> str:
    """Seconds in readable form: 4.2 s, 3 min, 2 h 10 min."""
    if seconds < 90:
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60} min"


# Readable names of stages: kind, name, seed, and the options that tell similar stages apart


def names(stages: Sequence[Stage]) -> dict[str, str]:
    """The name of each stage by its key, as ``fit cam (seed 0, iterations 400)``.

    Stages of one kind and name with the same inputs show options in which they differ.
    """
    groups: dict[tuple[object, ...], list[Stage]] = {}
    for stage in stages:
        position = (stage.kind, stage.name, *(needed.key for needed in stage.inputs.values()))
        groups.setdefault(position, []).append(stage)
    return {key: name for group in groups.values() for key, name in _named(group)}


def _named(stages: Sequence[Stage]) -> Iterator[tuple[str, str]]:
    options = [{n: _text(v) for n, v in flat(stage.options).items()} for stage in stages]
    every = dict.fromkeys(name for values in options for name in values if name != SEED)
    differing = [name for name in every if len({values.get(name) for values in options}) > 1]
    count = next(
        (n for n in range(SHOWN, len(differing)) if _differ(options, differing[:n])), len(differing)
    )
    for stage, values in zip(stages, options, strict=True):
        shown = [name for name in (SEED, *differing[:count]) if name in values]
        words = ", ".join(f"{name} {values[name]}" for name in shown)
        yield stage.key, f"{stage.kind} {stage.name}" + (f" ({words})" if words else "")


def _differ(options: Sequence[Options], names: Sequence[str]) -> bool:
    """Whether the seed and these options tell all stages apart."""
    seen = {tuple(values.get(name) for name in (SEED, *names)) for values in options}
    return len(seen) == len(options)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
