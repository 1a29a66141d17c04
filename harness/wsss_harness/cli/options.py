"""The options that several commands share, and what commands make of them."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from wsss_harness.suite.selection import Request

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

    return Request(suite, tuple(overrides or ()), tuple(methods or ()), tuple(words or ()))


def options_of(overrides: list[str] | None) -> dict[str, Any]:
    """Options from words as KEY=VALUE."""
    from wsss_harness.suite.reading import apply_override

    options: dict[str, Any] = {}
    for override in overrides or []:
        apply_override(options, override)
    return options
