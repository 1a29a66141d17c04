"""The command `wsss`. Nothing heavy is imported before a command needs it."""

import errno
import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape

from wsss_harness.errors import WsssError
from wsss_leaderboard.commands import app as leaderboard_app

if TYPE_CHECKING:
    from wsss_harness.packs.manifest import Kind
    from wsss_harness.selection import Request

app = typer.Typer(
    help="A benchmark for weakly supervised semantic segmentation.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)

StoreOption = Annotated[
    Path, typer.Option("--store", help="Folder of finished stages and results.")
]
SetOption = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Override an option, as dataset.train=100."),
]
LimitOption = Annotated[
    float | None,
    typer.Option("--time-limit", min=1, metavar="SECONDS", help="Stop a stage that takes longer."),
]
HOW = "How stages are made"
TimesOption = Annotated[
    list[str] | None,
    typer.Option(
        "--time-limit",
        metavar="[KIND=]SECONDS",
        help="Stop a stage, or a stage of this kind, that takes longer. Can be repeated.",
        rich_help_panel=HOW,
    ),
]
MemoryOption = Annotated[
    float | None,
    typer.Option(
        "--memory-limit",
        min=0.1,
        metavar="GB",
        help="Stop a stage that holds more memory.",
        rich_help_panel=HOW,
    ),
]
RetriesOption = Annotated[
    int,
    typer.Option(min=0, help="Try a stage again that fails by no mistake.", rich_help_panel=HOW),
]
ExecutorOption = Annotated[
    str,
    typer.Option(envvar="WSSS_EXECUTOR", help="Where stages are made.", rich_help_panel=HOW),
]
ExecutorSetOption = Annotated[
    list[str] | None,
    typer.Option(
        "--executor-set",
        metavar="KEY=VALUE",
        help="An option of the executor, as jobs=2. Can be repeated.",
        rich_help_panel=HOW,
    ),
]
JobsOption = Annotated[
    int | None,
    typer.Option(
        min=1,
        help="Stages with networks at once; short for --executor-set jobs=N.",
        rich_help_panel=HOW,
    ),
]
ShardsOption = Annotated[
    int | None,
    typer.Option(
        min=1,
        help="Parts into which the images of a stage are divided; else one for each job.",
        rich_help_panel=HOW,
    ),
]
DeterministicOption = Annotated[
    bool,
    typer.Option(
        "--deterministic",
        help="The same bytes each time: one thread, and no algorithm that varies.",
        rich_help_panel=HOW,
    ),
]
ProcessesOption = Annotated[
    int,
    typer.Option(
        min=1,
        help="Processes, as one for each GPU, that train a network together.",
        rich_help_panel=HOW,
    ),
]
EventsOption = Annotated[
    bool,
    typer.Option(
        "--events",
        help="Tell what happens as lines of JSON; tables go to standard error.",
        rich_help_panel=HOW,
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]
RowsOption = Annotated[
    list[str] | None,
    typer.Option("--rows", metavar="METHOD", help="Only the row of this name. Can be repeated."),
]
OnlyOption = Annotated[
    list[str] | None,
    typer.Option("--only", metavar="WORD", help="Only rows with this word in any of their names."),
]
SuiteArgument = Annotated[Path, typer.Argument(help="A suite file; see configs/suites.")]
RUNS = Path("runs")


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
    request = request_of(suite, overrides, methods, words)
    console = Console(stderr=events and not as_json)  # the events have the output for themselves
    try:
        if stage:
            problems = run_until(request, store, how, stage, console)
        else:
            problems = run_and_report(request, store, how, failed, console, as_json)
    except KeyboardInterrupt:
        Console(stderr=True).print("stopped; run the same command again to go on", style="bold")
        raise typer.Exit(130) from None
    if problems:
        raise typer.Exit(1)


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

    print_plan_of(request_of(suite, overrides, methods, words), store, Console(), as_json, picture)


def request_of(
    suite: Path,
    overrides: list[str] | None,
    methods: list[str] | None = None,
    words: list[str] | None = None,
) -> "Request":
    from wsss_harness.selection import Request

    return Request(suite, tuple(overrides or ()), tuple(methods or ()), tuple(words or ()))


def options_of(overrides: list[str] | None) -> dict[str, Any]:
    """Options from words as KEY=VALUE."""
    from wsss_harness.recipe import apply_override

    options: dict[str, Any] = {}
    for override in overrides or []:
        apply_override(options, override)
    return options


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
def table(
    suite: Annotated[str, typer.Argument(help="A suite file, or its name.")] = "railscenes",
    store: StoreOption = RUNS,
    as_json: JsonOption = False,
) -> None:
    """Print the tables of a suite that has been run."""
    from wsss_harness.places import RESULTS
    from wsss_leaderboard.report import print_tables

    print_tables(store / RESULTS / Path(suite).stem, Console(), as_json)


@app.command()
def plugins(as_json: JsonOption = False) -> None:
    """List what the installed plugins offer, and the plugins that do not work, with the reason."""
    from wsss_harness.installation import print_plugins

    print_plugins(Console(), as_json)


plugin_app = typer.Typer(help="Write and check plugins.", no_args_is_help=True)
app.add_typer(plugin_app, name="plugin")


@plugin_app.command("new")
def new_plugin(
    name: Annotated[str, typer.Argument(help="What suites will call it, as my-cam.")],
    refiner: Annotated[bool, typer.Option("--refiner", help="A refiner.")] = False,
    metric: Annotated[bool, typer.Option("--metric", help="A metric.")] = False,
    dataset: Annotated[bool, typer.Option("--dataset", help="A dataset.")] = False,
    folder: Annotated[Path | None, typer.Option(help="Where to write; else wsss-NAME.")] = None,
) -> None:
    """Write a distribution with a small method that works: a generator, unless said otherwise."""
    from wsss_harness.scaffold import create

    chosen = {"refiner": refiner, "metric": metric, "dataset": dataset}
    kinds = [kind for kind, asked in chosen.items() if asked] or ["generator"]
    if len(kinds) > 1:
        raise typer.BadParameter(f"choose one of --{' and --'.join(kinds)}")
    made = create(name, kinds[0], folder)
    called = name.replace("-", "_")
    Console().print(
        f"wrote {made}. Next:\n\n"
        f"  python -m pip install -e {made}\n"
        f"  wsss plugin check {called}\n"
        f"  wsss run {made / called}.toml",
        highlight=False,
        soft_wrap=True,
        markup=False,
    )


@plugin_app.command("check")
def check_plugin(
    name: Annotated[str, typer.Argument(help="A plugin, one of its offers, or a .py file.")],
    overrides: SetOption = None,
    limit: LimitOption = 600,
    as_json: JsonOption = False,
) -> None:
    """Check that a plugin keeps its contract: at work on a few scenes, killed, loaded again."""
    from wsss_harness.testing.report import print_check

    if not print_check(name, options_of(overrides), limit or 600, Console(), as_json):
        raise typer.Exit(1)


pack_app = typer.Typer(help="Exchange masks and scores as folders.", no_args_is_help=True)
app.add_typer(pack_app, name="pack")


@pack_app.command("export")
def export_pack(
    suite: SuiteArgument,
    method: Annotated[str, typer.Argument(help="The method of one of its rows.")],
    folder: Annotated[Path, typer.Argument(help="Where to write the pack.")],
    scores: Annotated[bool, typer.Option("--scores", help="Scores instead of masks.")] = False,
    seed: Annotated[int | None, typer.Option(help="Of which seed; else the first.")] = None,
    store: StoreOption = RUNS,
    overrides: SetOption = None,
) -> None:
    """Write the masks of a row that was run as a pack that others can check and use."""
    from wsss_harness.packs import commands

    request = request_of(suite, overrides)
    kind: Kind = "scores" if scores else "masks"
    commands.export(request, method, folder, store, kind, seed, Console())


@pack_app.command("import")
def import_pack(
    source: Annotated[Path, typer.Argument(help="A folder that others made.")],
    suite: SuiteArgument,
    folder: Annotated[Path, typer.Argument(help="Where to write the pack.")],
    layout: Annotated[
        str,
        typer.Option(
            help="masks: ID.png with class indices. maps: ID_c.png, 8 bits. pack: a pack."
        ),
    ] = "masks",
    method: Annotated[str | None, typer.Option(help="The name of its row.")] = None,
    supervision: Annotated[
        list[str] | None,
        typer.Option(help="What the method used: image_labels, saliency. Can be repeated."),
    ] = None,
    store: StoreOption = RUNS,
    overrides: SetOption = None,
) -> None:
    """Check a folder against the dataset of a suite, and write it as a pack for a row."""
    from wsss_harness.packs import commands

    request = request_of(suite, overrides)
    commands.import_(source, request, folder, store, layout, method, supervision, Console())


store_app = typer.Typer(help="Look after a store of finished stages.", no_args_is_help=True)
app.add_typer(store_app, name="store")


@store_app.command("list")
def list_store(store: StoreOption = RUNS, as_json: JsonOption = False) -> None:
    """Say how much lies in the store, by kind of stage and by suite."""
    from wsss_harness.store_commands import print_sizes

    print_sizes(store, Console(), as_json)


@store_app.command("verify")
def verify_store(store: StoreOption = RUNS) -> None:
    """Read every file of every finished stage, and name those that are not as they were made."""
    from wsss_harness.store_commands import print_damages

    if print_damages(store, Console()):
        raise typer.Exit(1)


@store_app.command("prune")
def prune_store(
    suites: Annotated[
        list[Path] | None, typer.Argument(help="Suite files whose stages stay as well.")
    ] = None,
    store: StoreOption = RUNS,
    yes: Annotated[bool, typer.Option("--yes", help="Remove it; else it is listed.")] = False,
) -> None:
    """List or remove the stages that no suite needs: none in results, and none that is given."""
    from wsss_harness.store_commands import prune

    prune(suites or [], store, yes, Console())


@store_app.command("export")
def export_stage(
    stage: Annotated[str, typer.Argument(help="Its title, as 'fit eps', or how its key begins.")],
    archive: Annotated[Path, typer.Argument(help="The tar file to write.")],
    store: StoreOption = RUNS,
) -> None:
    """Write a finished stage as an archive, so that another store need not make it again."""
    from wsss_harness.store_commands import export

    export(stage, archive, store, Console())


@store_app.command("import")
def import_stage(
    archive: Annotated[Path, typer.Argument(help="A tar file of wsss store export.")],
    store: StoreOption = RUNS,
) -> None:
    """Check an archive and put its stage into the store."""
    from wsss_harness.store_commands import import_

    import_(archive, store, Console())


data_app = typer.Typer(help="Prepare and check datasets.", no_args_is_help=True)
app.add_typer(data_app, name="data")


@data_app.command("check")
def check_data(
    source: Annotated[Path, typer.Argument(help="A suite file, or a folder in VOC layout.")],
    store: StoreOption = RUNS,
    overrides: SetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Look at every image, mask and map of a dataset, and say what each row lacks."""
    from wsss_harness.data_commands import print_data

    if not print_data(request_of(source, overrides), store, Console(), as_json):
        raise typer.Exit(1)


prepare_app = typer.Typer(help="Make the folder of a dataset.", no_args_is_help=True)
data_app.add_typer(prepare_app, name="prepare")


@prepare_app.command("voc12")
def prepare_voc12(
    root: Annotated[Path, typer.Argument(help="Where to write the dataset.")],
    archives: Annotated[
        Path | None, typer.Option(help="Folder of the official archives; else ROOT/archives.")
    ] = None,
    download: Annotated[
        bool, typer.Option("--download", help="Get archives that are missing.")
    ] = False,
    mirror: Annotated[
        str | None, typer.Option(metavar="URL", help="Where all archives lie by their names.")
    ] = None,
    labels: Annotated[
        Path | None, typer.Option(help="Label file of psa or EPS, instead of the annotations.")
    ] = None,
    difficult: Annotated[
        bool, typer.Option(help="Whether objects that VOC calls difficult are labels.")
    ] = True,
    unverified: Annotated[
        bool, typer.Option("--unverified", help="Take archives whatever their digest.")
    ] = False,
) -> None:
    """PASCAL VOC 2012 with the masks of SBD, from the official archives."""
    from wsss_harness.voc12.commands import prepare_and_tell
    from wsss_harness.voc12.prepare import Request

    folder = archives or root / "archives"
    request = Request(folder, download, mirror, labels, difficult, not unverified)
    prepare_and_tell(root, request, Console())


weights_app = typer.Typer(help="Look at files of weights and convert them.", no_args_is_help=True)
app.add_typer(weights_app, name="weights")


@weights_app.command("inspect")
def inspect_weights(
    path: Annotated[Path, typer.Argument(help="A .pth file, or a .params file of MXNet.")],
    as_json: JsonOption = False,
) -> None:
    """Say what a file of weights holds, and which networks it fits or nearly fits."""
    from wsss_harness.weights_commands import print_weights

    print_weights(path, Console(), as_json)


@weights_app.command("convert")
def convert_weights(
    path: Annotated[Path, typer.Argument(help="A .pth file, or a .params file of MXNet.")],
    out: Annotated[Path, typer.Argument(help="The state dict to write.")],
    to: Annotated[
        str, typer.Option(help="A backbone, as resnet38, or a method, as eps or affinity:psa.")
    ],
    classes: Annotated[int, typer.Option(min=1, help="Of the network of a method.")] = 20,
) -> None:
    """Write weights under our names; nothing may be missing or left over."""
    from wsss_harness.weights_commands import convert

    convert(path, out, to, classes, Console())


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
