"""The commands of the harness, and how the command `wsss` starts and ends.

Nothing heavy is imported before a command needs it.
"""

import errno
import json
import os
import re
import signal
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape

from wsss_harness.cli.options import (
    RUNS,
    JsonOption,
    OnlyOption,
    RowsOption,
    SetOption,
    StoreOption,
    SuiteArgument,
    request_of,
)
from wsss_harness.contract.errors import DataError, StageFailure, WsssError

if TYPE_CHECKING:
    from wsss_harness.suite.selection import Request


def plan(
    suite: SuiteArgument,
    store: StoreOption = RUNS,
    overrides: SetOption = None,
    methods: RowsOption = None,
    words: OnlyOption = None,
    as_json: JsonOption = False,
    picture: Annotated[
        Path | None, typer.Option("--svg", help="Draw the stages into this file instead.")
    ] = None,
) -> None:
    """Show what a run would do: which stages are done, which are to be made, and why."""
    from wsss_harness.cli.plan_tree import print_plan_of

    console = Console()
    documents: dict[str, Any] | None = {} if as_json else None

    def show(request: "Request") -> bool:
        print_plan_of(request, store, console, documents, picture)
        return False

    problems = any_failed(request_of(suite, overrides, methods, words).each(), show)
    print_documents(documents, console)
    if problems:
        raise typer.Exit(1)


def status(store: StoreOption = RUNS, as_json: JsonOption = False) -> None:
    """Show what runs on a store at the moment, here or on other machines that share it."""
    from wsss_harness.cli.status import print_status

    print_status(store, Console(), as_json)


def plugins(as_json: JsonOption = False) -> None:
    """List what the installed plugins offer, and the plugins that do not work, with the reason."""
    from wsss_harness.cli.doctor import print_plugins

    print_plugins(Console(), as_json)


def doctor() -> None:
    """Check the installation: versions, device, plugins."""
    from wsss_harness.cli.doctor import print_health

    if not print_health(Console()):
        raise typer.Exit(1)


def any_failed(requests: Iterable["Request"], work: Callable[["Request"], bool]) -> bool:
    """Work on each dataset, of several also after one without data; whether anything failed."""
    problems = False
    for request in requests:
        try:
            problems |= work(request)
        except (StageFailure, DataError) as error:
            if not request.dataset:
                raise
            told = re.sub(r"\bdataset\.", f"datasets.{request.dataset}.", str(error))
            Console(stderr=True).print(
                f"{request.dataset}: {told}", style="red", markup=False, soft_wrap=True
            )
            problems = True
    return problems


def print_documents(documents: Mapping[str, Any] | None, console: Console) -> None:
    """Print the JSON of a suite, or for several datasets one object by their names."""
    if documents:
        console.print_json(json.dumps(documents.get("", documents)))


# How long a thread of torch waits for the others before it lets go of its core. The default of
# libgomp made training on two cores 20 times slower beside one other busy process, this 3 times;
# alone both are equally fast.
SPINS = "10000"


def launch(app: typer.Typer) -> None:
    """Run the command line; errors of ours end with exit code 2 and one sentence."""
    os.environ.setdefault("GOMP_SPINCOUNT", SPINS)
    # From a cluster at its time limit, and from a closed terminal; Windows has no SIGHUP.
    for ending in (signal.SIGTERM, getattr(signal, "SIGHUP", signal.SIGTERM)):
        signal.signal(ending, signal.default_int_handler)
    console = Console(stderr=True)
    try:
        app(standalone_mode=True)
    except (WsssError, OSError) as error:
        advice = ""
        if isinstance(error, OSError) and error.errno in (errno.EROFS, errno.EACCES):
            advice = "; it cannot be written: name another place, or change its permissions"
        text = escape(f"{error}{advice}")
        console.print(f"[bold red]error:[/] {text}", highlight=False, soft_wrap=True)
        raise SystemExit(2) from None
