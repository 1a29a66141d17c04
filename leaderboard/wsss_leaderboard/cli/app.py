"""The command `wsss`: the commands of the harness, and those that show records."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from wsss_harness.cli import app as harness
from wsss_harness.cli import data, pack, plugin, weights
from wsss_harness.cli import store as store_group
from wsss_harness.cli.options import (
    RUNS,
    DeterministicOption,
    EventsOption,
    ExecutorOption,
    ExecutorSetOption,
    JobsOption,
    JsonOption,
    LimitOption,
    MemoryOption,
    OnlyOption,
    OutputFormat,
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
from wsss_leaderboard.cli import leaderboard

if TYPE_CHECKING:
    from wsss_harness.suite.selection import Request

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
    from wsss_harness.system.files import configs

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
    from wsss_harness.execution.policy import Policy
    from wsss_harness.execution.run_options import RunOptions, limits_of
    from wsss_leaderboard.cli.report import run_and_report, run_until

    options = options_of(executor_options)
    if jobs:
        options["jobs"] = jobs
    policy = Policy(retries, shards, deterministic, processes)
    how = RunOptions(executor, options, limits_of(times or (), memory), policy, events)
    requests = request_of(suite, overrides, methods, words).each()
    console = Console(stderr=events and not as_json)  # the events have the output for themselves
    documents: dict[str, Any] | None = {} if as_json else None

    def work(request: "Request") -> bool:
        if stage:
            return run_until(request, store, how, stage, console)
        return run_and_report(request, store, how, failed, console, documents)

    try:
        problems = harness.any_failed(requests, work)
    except KeyboardInterrupt:
        Console(stderr=True).print("stopped; run the same command again to go on", style="bold")
        raise typer.Exit(130) from None
    harness.print_documents(documents, console)
    if problems:
        raise typer.Exit(1)


app.command()(harness.plan)
app.command()(harness.status)


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
    from wsss_harness.system.limits import Limits
    from wsss_leaderboard.cli.report import report_twin

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
    from wsss_leaderboard.comparison.explain import print_explanation

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
    from wsss_leaderboard.comparison.difference_view import print_difference

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
    form: Annotated[
        OutputFormat, typer.Option("--format", help="What to print.")
    ] = OutputFormat.TERMINAL,
    as_json: JsonOption = False,
    page: Annotated[
        Path | None, typer.Option("--update", help="Make the marked tables of this page again.")
    ] = None,
    check: Annotated[
        bool, typer.Option("--check", help="With --update: only say whether they are stale.")
    ] = False,
) -> None:
    """Print the tables of a suite that has been run, or the one that a table file asks for."""
    from wsss_leaderboard.cli.tables import print_tables_of, update

    if page is None:
        chosen = OutputFormat.JSON if as_json else form
        print_tables_of(Path(source), folders or [], store, chosen.value, Console())
        return
    stale = update(page, check)
    verdict = ("is stale" if check else "was brought up to date") if stale else "is up to date"
    typer.echo(f"{page} {verdict}")
    if stale and check:
        raise typer.Exit(1)


app.command()(harness.plugins)
app.add_typer(plugin.app, name="plugin")
app.add_typer(pack.app, name="pack")
app.add_typer(store_group.app, name="store")
app.add_typer(data.app, name="data")
app.add_typer(weights.app, name="weights")
app.add_typer(leaderboard.app, name="leaderboard")
app.command()(harness.doctor)


def main() -> None:
    harness.launch(app)
