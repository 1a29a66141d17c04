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
from wsss_harness.cli.outlets import survive_broken_pipes
from wsss_harness.contract.errors import ConfigError, DataError, StageFailure, WsssError

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
        Path | None,
        typer.Option("--svg", metavar="FILE", help="Draw the stages to a file instead."),
    ] = None,
) -> None:
    """Show which stages are done, which a run would make, and why."""
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


def suites(as_json: JsonOption = False) -> None:
    """List the suites that come along; they are run by name."""
    from wsss_harness.cli.messages import print_plain
    from wsss_harness.suite import shipped

    titles, console = dict(shipped.titles()), Console()
    if as_json:
        console.print_json(json.dumps(titles))
        return
    for name, title in titles.items():
        print_plain(console, f"{name:<{max(map(len, titles))}}  {title}")


def status(store: StoreOption = RUNS, as_json: JsonOption = False) -> None:
    """Show what runs on a store now, on any machine that shares it."""
    from wsss_harness.cli.status import print_status

    print_status(store, Console(), as_json)


def plugins(as_json: JsonOption = False) -> None:
    """List what plugins offer, and broken ones with the reason."""
    from wsss_harness.cli.doctor import print_plugins

    print_plugins(Console(), as_json)


def doctor() -> None:
    """Check the installation: versions, device, plugins."""
    from wsss_harness.cli.doctor import print_health

    if not print_health(Console()):
        raise typer.Exit(1)


def any_failed(requests: Iterable["Request"], work: Callable[["Request"], bool]) -> bool:
    """Work on each dataset, going on if one of several has no data; True if anything failed."""
    problems = False
    for request in requests:
        try:
            problems |= work(request)
        except (StageFailure, DataError) as error:
            if not request.dataset:
                raise
            message = f"{request.dataset}: {_of_several(request.dataset, error)}"
            Console(stderr=True).print(message, style="red", markup=False, soft_wrap=True)
            problems = True
        except ConfigError as error:
            raise ConfigError(_of_several(request.dataset, error)) from error
    return problems


def _of_several(dataset: str, error: WsssError) -> str:
    """A message about one of several datasets, with the keys that set its options."""
    return re.sub(r"\bdataset\.", f"datasets.{dataset}.", str(error)) if dataset else str(error)


def print_documents(documents: Mapping[str, Any] | None, console: Console) -> None:
    """Print the JSON of a suite; of several datasets, one object with their names as keys."""
    if documents:
        console.print_json(json.dumps(documents.get("", documents)))


# How long a waiting OpenMP thread of torch spins before it yields its core. With one other busy
# process on two cores, training was 20 times slower with libgomp's default and 3 times slower with
# this; on an idle machine both are equally fast.
SPINS = "10000"


def launch(app: typer.Typer) -> None:
    """Run the command line; expected errors print one sentence and exit with code 2."""
    os.environ.setdefault("GOMP_SPINCOUNT", SPINS)
    survive_broken_pipes()
    # From a cluster at its time limit, and from a closed terminal; Windows has no SIGHUP.
    for ending in (signal.SIGTERM, getattr(signal, "SIGHUP", signal.SIGTERM)):
        signal.signal(ending, signal.default_int_handler)
    console = Console(stderr=True)
    try:
        app(standalone_mode=True)
    except (WsssError, OSError) as error:
        text = escape(explained(error))
        console.print(f"[bold red]error:[/] {text}", highlight=False, soft_wrap=True)
        raise SystemExit(2) from None


def explained(error: WsssError | OSError) -> str:
    """What went wrong, and what to do about a file that cannot be written."""
    from wsss_harness.system.files import is_disk_full

    if isinstance(error, OSError) and error.errno in (errno.EROFS, errno.EACCES):
        return f"{error}; choose another folder or change its permissions"
    if isinstance(error, OSError) and is_disk_full(error):
        folder = f" below {Path(str(error.filename)).parent}" if error.filename else ""
        return (
            f"the disk is full ({error}); free space{folder} and run the same command again, which "
            "makes no finished stage anew"
        )
    return str(error)
