"""The command `wsss`. Nothing heavy is imported before a command needs it."""

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

from wsss_harness.cli_options import (
    RUNS,
    DeterministicOption,
    EventsOption,
    ExecutorOption,
    ExecutorSetOption,
    Form,
    JobsOption,
    JsonOption,
    LimitOption,
    MemoryOption,
    OnlyOption,
    ProcessesOption,
    RetriesOption,
    RowsOption,
    SetOption,
    ShardsOption,
    StoreOption,
    SuiteArgument,
    TimesOption,
    options_of,
    request_of,
)
from wsss_harness.commands import data, pack, plugin, weights
from wsss_harness.commands import store as kept
from wsss_harness.errors import DataError, StageFailure, WsssError
from wsss_leaderboard.commands import app as leaderboard_app

if TYPE_CHECKING:
    from wsss_harness.selection import Request

app = typer.Typer(
    help="A benchmark for weakly supervised semantic segmentation.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)


@app.command()
def demo(
    store: StoreOption = RUNS,
    overrides: SetOption = None,
    jobs: JobsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Train CAM, EPS and AffinityNet on built-in scenes, DeepLab on their masks; print tables."""
    from wsss_harness.files import configs

    run(configs() / "suites" / "railscenes.toml", store, overrides, jobs=jobs, as_json=as_json)


@app.command()
def run(
    suite: SuiteArgument,
    store: StoreOption = RUNS,
    overrides: SetOption = None,
    methods: RowsOption = None,
    words: OnlyOption = None,
    failed: Annotated[
        bool, typer.Option("--failed", help="Work on rows that failed before, and no others.")
    ] = False,
    stage: Annotated[
        str | None, typer.Option(help="Stop after this kind of stage, as mask; no tables.")
    ] = None,
    as_json: JsonOption = False,
    executor: ExecutorOption = "local",
    executor_options: ExecutorSetOption = None,
    jobs: JobsOption = None,
    shards: ShardsOption = None,
    processes: ProcessesOption = 1,
    times: TimesOption = None,
    memory: MemoryOption = None,
    retries: RetriesOption = 0,
    deterministic: DeterministicOption = False,
    events: EventsOption = False,
) -> None:
    """Run every row of a suite that is not finished, and print its tables."""
    from wsss_harness.engine import Policy
    from wsss_harness.how import How, limits_of
    from wsss_leaderboard.report import run_and_report, run_until

    options = options_of(executor_options)
    if jobs:
        options["jobs"] = jobs
    policy = Policy(retries, shards, deterministic, processes)
    how = How(executor, options, limits_of(times or (), memory), policy, events)
    requests = request_of(suite, overrides, methods, words).each()
    console = Console(stderr=events and not as_json)  # the events have the output for themselves
    documents: dict[str, Any] | None = {} if as_json else None

    def work(request: "Request") -> bool:
        if stage:
            return run_until(request, store, how, stage, console)
        return run_and_report(request, store, how, failed, console, documents)

    try:
        problems = any_failed(requests, work)
    except KeyboardInterrupt:
        Console(stderr=True).print("stopped; run the same command again to go on", style="bold")
        raise typer.Exit(130) from None
    print_documents(documents, console)
    if problems:
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


@app.command()
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
    from wsss_harness.plan_display import print_plan_of

    console = Console()
    documents: dict[str, Any] | None = {} if as_json else None

    def show(request: "Request") -> bool:
        print_plan_of(request, store, console, documents, picture)
        return False

    problems = any_failed(request_of(suite, overrides, methods, words).each(), show)
    print_documents(documents, console)
    if problems:
        raise typer.Exit(1)


@app.command()
def status(store: StoreOption = RUNS, as_json: JsonOption = False) -> None:
    """Show what runs on a store at the moment, here or on other machines that share it."""
    from wsss_harness.status import print_status

    print_status(store, Console(), as_json)


@app.command()
def twin(
    suite: SuiteArgument,
    method: Annotated[str, typer.Argument(help="The method of one of its rows.")],
    seed: Annotated[int | None, typer.Option(help="Of which seed; else the first.")] = None,
    store: StoreOption = RUNS,
    overrides: SetOption = None,
    limit: LimitOption = None,
) -> None:
    """Make a row twice with the same seed, and name the first stage whose bytes differ."""
    from wsss_harness.limits import Limits
    from wsss_leaderboard.report import report_twin

    request = request_of(suite, overrides)
    if not report_twin(request, method, seed, store, Limits(limit), Console()):
        raise typer.Exit(1)


@app.command()
def explain(
    suite: SuiteArgument,
    method: Annotated[str, typer.Argument(help="The method of one of its rows.")],
    seed: Annotated[int | None, typer.Option(help="Of which seed; else the first.")] = None,
    store: StoreOption = RUNS,
    overrides: SetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say from which stage on a row departs from what was published, and which settings differ."""
    from wsss_leaderboard.explain import print_explanation

    print_explanation(request_of(suite, overrides), method, seed, store, Console(), as_json)


@app.command()
def diff(
    a: Annotated[str, typer.Argument(metavar="A", help="A record's file, or RESULTS:METHOD.")],
    b: Annotated[str, typer.Argument(metavar="B", help="What it is compared with, named alike.")],
    store: StoreOption = RUNS,
    anyway: Annotated[
        bool, typer.Option("--anyway", help="Even if they were measured differently.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Say in what two rows were made differently, and by how much, on which classes and images."""
    from wsss_leaderboard.estimation.differing import print_difference

    print_difference(a, b, store, anyway, Console(), as_json)


@app.command()
def table(
    source: Annotated[
        str, typer.Argument(metavar="SUITE", help="A suite file or its name, or a table file.")
    ] = "railscenes",
    store: StoreOption = RUNS,
    folders: Annotated[
        list[Path] | None,
        typer.Option("--results", help="Read this folder of records instead. Can be repeated."),
    ] = None,
    form: Annotated[Form, typer.Option("--format", help="What to print.")] = Form.TERMINAL,
    as_json: JsonOption = False,
    page: Annotated[
        Path | None, typer.Option("--update", help="Make the marked tables of this page again.")
    ] = None,
    check: Annotated[
        bool, typer.Option("--check", help="With --update: only say whether they are stale.")
    ] = False,
) -> None:
    """Print the tables of a suite that has been run, or the one that a table file asks for."""
    from wsss_leaderboard.tables.printing import print_tables_of, update

    if page is None:
        chosen = Form.JSON if as_json else form
        print_tables_of(Path(source), folders or [], store, chosen.value, Console())
        return
    stale = update(page, check)
    verdict = ("is stale" if check else "was brought up to date") if stale else "is up to date"
    typer.echo(f"{page} {verdict}")
    if stale and check:
        raise typer.Exit(1)


@app.command()
def plugins(as_json: JsonOption = False) -> None:
    """List what the installed plugins offer, and the plugins that do not work, with the reason."""
    from wsss_harness.installation import print_plugins

    print_plugins(Console(), as_json)


app.add_typer(plugin.app, name="plugin")
app.add_typer(pack.app, name="pack")
app.add_typer(kept.app, name="store")
app.add_typer(data.app, name="data")
app.add_typer(weights.app, name="weights")
app.add_typer(leaderboard_app, name="leaderboard")


@app.command()
def doctor() -> None:
    """Check the installation: versions, device, plugins."""
    from wsss_harness.installation import print_health

    if not print_health(Console()):
        raise typer.Exit(1)


# How long a thread of torch waits for the others before it lets go of its core. The default of
# libgomp made training on two cores 20 times slower beside one other busy process, this 3 times;
# alone both are equally fast.
SPINS = "10000"


def main() -> None:
    os.environ.setdefault("GOMP_SPINCOUNT", SPINS)
    for ending in (signal.SIGTERM, signal.SIGHUP):  # of a cluster at its time limit, of a terminal
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
