"""The options that several commands share, and what commands make of them."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from wsss_harness.suite.selection import Request

RUNS = Path("runs")


def _folder(path: str | Path) -> Path:
    if not str(path).strip():
        raise typer.BadParameter("it is empty; name a folder, or leave the option out")
    return Path(path)


SuiteArgument = Annotated[
    Path, typer.Argument(metavar="SUITE", help="A suite file, or a name: see wsss suites.")
]
MethodArgument = Annotated[
    str, typer.Argument(metavar="METHOD", help="The method of one of its rows.")
]
SeedOption = Annotated[
    int | None, typer.Option("--seed", metavar="N", help="Its seed; default: the first.")
]
StoreOption = Annotated[
    Path,
    typer.Option(
        "--store", metavar="FOLDER", help="Folder of finished stages and results.", parser=_folder
    ),
]
SetOption = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="KEY=VALUE",
        help="Override an option: dataset.train=100, or in quotes "
        """'segmentors."DeepLab V1".crop=97'. Repeatable.""",
    ),
]
RowsOption = Annotated[
    list[str] | None,
    typer.Option("--rows", metavar="METHOD", help="Select the row of this method. Repeatable."),
]
OnlyOption = Annotated[
    list[str] | None,
    typer.Option("--only", metavar="WORD", help="Select rows with WORD in a name. Repeatable."),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]
LimitOption = Annotated[
    float | None,
    typer.Option("--time-limit", min=1, metavar="SECONDS", help="Stop a stage that takes longer."),
]


def _execution(flag: str, help: str, **settings: Any) -> Any:
    return typer.Option(flag, help=help, rich_help_panel="Execution", **settings)


ExecutorOption = Annotated[
    str,
    _execution(
        "--executor", "What runs stages: see plugins.", metavar="NAME", envvar="WSSS_EXECUTOR"
    ),
]
ExecutorSetOption = Annotated[
    list[str] | None,
    _execution("--executor-set", "Set an option of the executor. Repeatable.", metavar="KEY=VALUE"),
]
JobsOption = Annotated[
    int | None,
    _execution(
        "--jobs", "Network stages at once; same as --executor-set jobs=N.", metavar="N", min=1
    ),
]
ShardsOption = Annotated[
    int | None,
    _execution(
        "--shards", "Split a stage's images into N; default: one per job.", metavar="N", min=1
    ),
]
ProcessesOption = Annotated[
    int,
    _execution("--processes", "Train a network in N processes, one per GPU.", metavar="N", min=1),
]
TimesOption = Annotated[
    list[str] | None,
    _execution(
        "--time-limit",
        "Stop a stage (of this kind) that takes longer. Repeatable.",
        metavar="[KIND=]SECONDS",
    ),
]
MemoryOption = Annotated[
    float | None,
    _execution("--memory-limit", "Stop a stage that uses more memory.", metavar="GB", min=0.1),
]
RetriesOption = Annotated[
    int,
    _execution(
        "--retries",
        "Retries after failures other than config, data or plugin errors.",
        metavar="N",
        min=0,
    ),
]
DeterministicOption = Annotated[
    bool,
    _execution("--deterministic", "Same bytes every time: one thread, deterministic algorithms."),
]
EventsOption = Annotated[
    bool, _execution("--events", "Print events as lines of JSON; tables go to stderr.")
]


class OutputFormat(StrEnum):
    """What a table is printed as."""

    TERMINAL = "terminal"
    MARKDOWN = "markdown"
    CSV = "csv"
    LATEX = "latex"
    HTML = "html"
    JSON = "json"


def request_of(
    suite: Path,
    overrides: list[str] | None,
    methods: list[str] | None = None,
    words: list[str] | None = None,
) -> "Request":
    from wsss_harness.suite.selection import Request
    from wsss_harness.suite.shipped import suite_file

    suite = suite_file(suite)
    return Request(suite, tuple(overrides or ()), tuple(methods or ()), tuple(words or ()))


def options_of(overrides: list[str] | None) -> dict[str, Any]:
    """Options from words such as KEY=VALUE."""
    from wsss_harness.suite.reading import apply_override

    options: dict[str, Any] = {}
    for override in overrides or []:
        apply_override(options, override)
    return options
