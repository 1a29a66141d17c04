"""The command `wsss`: the commands of the harness, and those that show records."""

from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from wsss_harness.cli import app as harness
from wsss_harness.cli.commands import Commands, imported_commands
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
    MethodArgument,
    OnlyOption,
    OutputFormat,
    ProcessesOption,
    RetriesOption,
    RowsOption,
    SeedOption,
    SetOption,
    ShardsOption,
    StoreOption,
    SuiteArgument,
    TimesOption,
    options_of,
    request_of,
)

app = Commands(
    "A benchmark for weakly supervised semantic segmentation.",
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)


# The parts of `wsss --help`.
RUN, LOOK, EXTEND, SET_UP, PUBLISH = "Run", "Look", "Extend", "Set up", "Publish"

FORMATS = f"One of {', '.join(OutputFormat)}."
StageOption = Annotated[
    str | None,
    typer.Option(metavar="KIND", help="Stop after stages of this kind, such as mask; no tables."),
]


RehearseOption = Annotated[
    bool,
    typer.Option(
        "--rehearse", help="Try every row: few images, two iterations; what would it cost?"
    ),
]
SmallOption = Annotated[
    bool, typer.Option("--small", help="With --rehearse: shrink batch, crop and scales, for a CPU.")
]


@app.command(rich_help_panel=RUN)
def demo(
    store: StoreOption = RUNS,
    overrides: SetOption = None,
    jobs: JobsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Run the built-in suite: CAM, EPS, AffinityNet and DeepLab."""
    from wsss_harness.system.files import configs

    run(configs() / "suites" / "railscenes.toml", store, overrides, jobs=jobs, as_json=as_json)


@app.command(rich_help_panel=RUN)
def run(
    suite: SuiteArgument,
    store: StoreOption = RUNS,
    overrides: SetOption = None,
    methods: RowsOption = None,
    words: OnlyOption = None,
    failed: Annotated[bool, typer.Option("--failed", help="Run only rows that failed.")] = False,
    stage: StageOption = None,
    rehearse: RehearseOption = False,
    small: SmallOption = False,
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
    """Run all unfinished rows of a suite and print its tables."""
    from wsss_harness.execution.engine import RunOptions, limits_of
    from wsss_harness.execution.job import Policy
    from wsss_leaderboard.cli.rehearsal import check_rehearsal, rehearse_suite
    from wsss_leaderboard.cli.report import run_and_report, run_each, run_until

    set_options = options_of(executor_options) | ({"jobs": jobs} if jobs else {})
    policy = Policy(retries, shards, deterministic, processes)
    options = RunOptions(executor, set_options, limits_of(times or (), memory), policy, events)
    requests = request_of(suite, overrides, methods, words).each()
    if rehearse or small:
        check_rehearsal(rehearse, failed, stage)
        work = partial(rehearse_suite, root=store, options=options, small=small)
    elif stage:
        work = partial(run_until, root=store, options=options, kind=stage)
    else:
        work = partial(run_and_report, root=store, options=options, only_failed=failed)
    run_each(requests, work, events, as_json)


app.command(rich_help_panel=RUN)(harness.suites)
app.command(rich_help_panel=RUN)(harness.plan)
app.command(rich_help_panel=RUN)(harness.status)


@app.command(rich_help_panel=RUN)
def twin(
    suite: SuiteArgument,
    method: MethodArgument,
    seed: SeedOption = None,
    store: StoreOption = RUNS,
    overrides: SetOption = None,
    limit: LimitOption = None,
) -> None:
    """Make a row twice and name the first stage whose bytes differ."""
    from wsss_harness.system.limits import Limits
    from wsss_leaderboard.cli.report import report_twin

    request = request_of(suite, overrides)
    if not report_twin(request, method, seed, store, Limits(limit), Console()):
        raise typer.Exit(1)


@app.command(rich_help_panel=LOOK)
def explain(
    suite: SuiteArgument,
    method: MethodArgument,
    seed: SeedOption = None,
    store: StoreOption = RUNS,
    overrides: SetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Compare a row and its settings with the published one."""
    from wsss_leaderboard.comparison.explain import print_explanation

    print_explanation(request_of(suite, overrides), method, seed, store, Console(), as_json)


@app.command(rich_help_panel=LOOK)
def diff(
    a: Annotated[str, typer.Argument(metavar="A", help="METHOD, RESULTS:METHOD or a record file.")],
    b: Annotated[str, typer.Argument(metavar="B", help="The row to compare it with.")],
    store: StoreOption = RUNS,
    anyway: Annotated[
        bool, typer.Option("--anyway", help="Compare even if measured differently.")
    ] = False,
    as_json: JsonOption = False,
    every: Annotated[
        bool, typer.Option("--all", help="Show every class, setting and image that counts.")
    ] = False,
) -> None:
    """Show how two rows differ, by setting, class and image."""
    from wsss_leaderboard.comparison.difference_view import print_difference

    print_difference(a, b, store, anyway, Console(), as_json, every)


@app.command(rich_help_panel=LOOK)
def table(
    source: Annotated[
        str, typer.Argument(metavar="SUITE", help="A suite file or name, or a table file.")
    ] = "railscenes",
    store: StoreOption = RUNS,
    folders: Annotated[
        list[Path] | None,
        typer.Option("--results", metavar="FOLDER", help="Read these results instead. Repeatable."),
    ] = None,
    form: Annotated[
        OutputFormat, typer.Option("--format", metavar="FORMAT", help=FORMATS)
    ] = OutputFormat.TERMINAL,
    as_json: JsonOption = False,
    every: Annotated[bool, typer.Option("--all", help="Print all tables of the suite.")] = False,
    only: Annotated[
        list[str] | None,
        typer.Option("--only", metavar="TABLE", help="Print this table of the suite. Repeatable."),
    ] = None,
    page: Annotated[
        Path | None, typer.Option("--update", metavar="PAGE", help="Update a page's marked tables.")
    ] = None,
    check: Annotated[
        bool, typer.Option("--check", help="With --update: only report stale tables.")
    ] = False,
) -> None:
    """Print the table of a suite that was run, or of a table file."""
    from wsss_leaderboard.cli.report import SUMMARY
    from wsss_leaderboard.cli.tables import print_tables_of, update

    if page is None:
        chosen = OutputFormat.JSON if as_json else form
        complete = every or chosen is OutputFormat.JSON
        names = only or (None if complete else [SUMMARY])
        print_tables_of(Path(source), folders or [], store, chosen.value, Console(), names)
        return
    stale = update(page, check)
    verdict = ("is stale" if check else "was updated") if stale else "is up to date"
    typer.echo(f"{page} {verdict}")
    if stale and check:
        raise typer.Exit(1)


@app.command(rich_help_panel=LOOK)
def figure(
    suite: SuiteArgument,
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="A .png or .pdf file.")] = Path(
        "figure.png"
    ),
    store: StoreOption = RUNS,
    overrides: SetOption = None,
    methods: Annotated[
        list[str] | None,
        typer.Option("--rows", metavar="METHOD", help="Show this row, in this order. Repeatable."),
    ] = None,
    count: Annotated[
        int, typer.Option("--images", metavar="N", min=1, max=50, help="How many images.")
    ] = 5,
    ids: Annotated[
        list[str] | None,
        typer.Option("--id", metavar="ID", help="Show this image instead. Repeatable."),
    ] = None,
    seed: SeedOption = None,
    segmentor: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Show what this segmentor predicts on val instead."),
    ] = None,
    width: Annotated[
        float, typer.Option(metavar="INCHES", min=2, max=40, help="Width; letters keep their size.")
    ] = 6.875,
) -> None:
    """Draw images, truth and masks side by side, for a paper."""
    from wsss_leaderboard.cli.figure import draw_panels
    from wsss_leaderboard.figures.choice import Choice

    choice = Choice(tuple(methods or ()), tuple(ids or ()), count, seed, segmentor)
    if draw_panels(request_of(suite, overrides), store, choice, out, width, Console()):
        raise typer.Exit(1)


app.command(rich_help_panel=EXTEND)(harness.plugins)
for module, panel, about in (
    ("wsss_harness.cli.plugin", EXTEND, "Write and check plugins."),
    ("wsss_harness.cli.data", SET_UP, "Prepare and check datasets."),
    ("wsss_harness.cli.weights", SET_UP, "Inspect and convert files of weights."),
    ("wsss_harness.cli.store", SET_UP, "Manage a store of finished stages."),
    ("wsss_harness.cli.pack", PUBLISH, "Exchange masks and scores as folders."),
    ("wsss_leaderboard.cli.leaderboard", PUBLISH, "Publish records that others can check."),
):
    group = imported_commands(module, about)
    app.add_typer(group, name=module.rpartition(".")[2], rich_help_panel=panel)
app.command(rich_help_panel=SET_UP)(harness.doctor)


def main() -> None:
    harness.launch(app)
