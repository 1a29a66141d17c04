"""The commands `wsss leaderboard ...`. Nothing heavy is imported before a command needs it."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from wsss_harness.cli.commands import Commands
from wsss_harness.cli.messages import plural
from wsss_harness.cli.options import (
    RUNS,
    LimitOption,
    OnlyOption,
    RowsOption,
    SetOption,
    StoreOption,
    request_of,
)

if TYPE_CHECKING:
    from wsss_harness.suite.spec import Suite

app = Commands()


@app.command("schema")
def print_schema() -> None:
    """Print the JSON Schema of a record."""
    import json

    from wsss_leaderboard.records.record import record_schema

    typer.echo(json.dumps(record_schema(), indent=1))


@app.command("build")
def build_site(
    folders: Annotated[
        list[Path], typer.Argument(metavar="FOLDER...", help="Folders of results, or a board.")
    ],
    out: Annotated[
        Path, typer.Option(metavar="FOLDER", help="Folder of the site; its content is replaced.")
    ],
    title: Annotated[
        str, typer.Option(metavar="TEXT", help="Title of the site.")
    ] = "WSSS leaderboard",
) -> None:
    """Write the leaderboard as a static site."""
    from wsss_leaderboard.site.build import build

    pages = build(folders, out, title)
    typer.echo(f"{plural(len(pages), 'page')}; the first is {out / 'index.html'}")


FolderArgument = Annotated[Path, typer.Argument(metavar="FOLDER", help="A submission.")]
BoardOption = Annotated[
    Path | None, typer.Option("--board", metavar="FOLDER", help="The folder of a board.")
]
PacksOption = Annotated[
    Path | None,
    typer.Option(metavar="FOLDER", help="Mask packs, if they are not in the submission."),
]
OwnSuiteOption = Annotated[
    Path | None,
    typer.Option("--suite", metavar="FILE", help="Your own suite on the data of the record."),
]
KeyOption = Annotated[
    Path | None, typer.Option("--sign", metavar="KEY", help="Sign it with an SSH key.")
]
ByOption = Annotated[
    str | None, typer.Option(metavar="NAME", help="Who verifies it; shown on the board.")
]
NewTableOption = Annotated[
    bool, typer.Option("--new-table", help="Accept a protocol that is new to the board.")
]


DatasetOption = Annotated[
    str | None, typer.Option(metavar="NAME", help="Which of several datasets.")
]
CheckOption = Annotated[
    Path | None,
    typer.Option("--check", metavar="FOLDER", help="Only check a submission; nothing else needed."),
]


@app.command()
def submit(
    suite: Annotated[
        Path | None, typer.Argument(metavar="SUITE", help="A suite that was run (required).")
    ] = None,
    method: Annotated[
        str | None,
        typer.Argument(metavar="METHOD", help="The method of one of its rows (required)."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Where to write it (required).")
    ] = None,
    seed: Annotated[int | None, typer.Option(metavar="N", help="Submit only this seed.")] = None,
    masks: Annotated[bool, typer.Option(help="Include the masks, or only their digests.")] = True,
    corrects: Annotated[
        bool, typer.Option("--corrects", help="Replace the records of this row on the board.")
    ] = False,
    key: KeyOption = None,
    store: StoreOption = RUNS,
    overrides: SetOption = None,
    methods: RowsOption = None,
    words: OnlyOption = None,
    dataset: DatasetOption = None,
    to_check: CheckOption = None,
) -> None:
    """Write a finished row as a folder for a pull request, and check it."""
    from rich.console import Console

    from wsss_leaderboard.cli import leaderboard_view as commands

    if to_check is not None:
        others = (suite, method, out, seed, key, overrides, methods, words, dataset)
        if any(value is not None for value in others) or corrects or not masks:
            raise typer.BadParameter("--check takes no other option than --store")
        check(to_check, store=store)
        return
    if suite is None or method is None or out is None:
        raise typer.BadParameter("give SUITE, METHOD and --out FOLDER, or --check FOLDER")
    request = commands.of_dataset(request_of(suite, overrides, methods, words), dataset)
    if not commands.submit(request, method, seed, store, out, masks, corrects, key, Console()):
        raise typer.Exit(1)


@app.command()
def check(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="A submission, or a board.")],
    board: BoardOption = None,
    packs: PacksOption = None,
    suite: OwnSuiteOption = None,
    store: StoreOption = RUNS,
    overrides: SetOption = None,
    new_table: NewTableOption = False,
    markdown: Annotated[
        bool, typer.Option("--markdown", help="Print what would change on the board, as a comment.")
    ] = False,
) -> None:
    """Check a submission, or the chain of a board, without running any of it."""
    from rich.console import Console

    from wsss_leaderboard.cli import leaderboard_view as commands

    reader = commands.reader_of(own(suite, overrides), packs, store)
    if not commands.check(folder, board, reader, new_table, markdown, Console()):
        raise typer.Exit(1)


@app.command()
def accept(
    folder: FolderArgument,
    board: Annotated[
        Path,
        typer.Option("--board", metavar="FOLDER", help="The folder of a board; created if new."),
    ],
    packs: PacksOption = None,
    suite: OwnSuiteOption = None,
    store: StoreOption = RUNS,
    overrides: SetOption = None,
    new_table: NewTableOption = False,
    by: ByOption = None,
) -> None:
    """Check a submission and add its records to a board."""
    from rich.console import Console

    from wsss_leaderboard.cli import leaderboard_view as commands

    reader = commands.reader_of(own(suite, overrides), packs, store)
    commands.accept(folder, board, reader, new_table, by, Console())


@app.command()
def verify(
    record: Annotated[Path, typer.Argument(metavar="RECORD", help="A record file.")],
    tier: Annotated[
        int,
        typer.Option(
            min=1,
            max=4,
            metavar="TIER",
            help="1: digests; 2: metrics from masks; 3: scores from weights; 4: train again.",
        ),
    ] = 2,
    by: ByOption = None,
    packs: PacksOption = None,
    suite: OwnSuiteOption = None,
    tolerance: Annotated[
        float | None, typer.Option(min=0, metavar="POINTS", help="Tolerated difference of mIoU.")
    ] = None,
    store: StoreOption = RUNS,
    overrides: SetOption = None,
    limit: LimitOption = None,
) -> None:
    """Verify a record tier by tier and note the highest tier that it passes."""
    from rich.console import Console

    from wsss_leaderboard.cli import leaderboard_view as commands

    reader = commands.reader_of(own(suite, overrides, alone=True), packs, store, limit)
    points = None if tolerance is None else tolerance / 100
    verifier = commands.verifier_of(record, reader, overrides, points)
    if not commands.verify(verifier, tier, by, Console()):
        raise typer.Exit(1)


@app.command()
def rescore(
    packs: Annotated[Path, typer.Argument(metavar="PACKS", help="Folder of mask packs.")],
    board: Annotated[
        Path, typer.Option("--board", metavar="FOLDER", help="The folder of a board.")
    ],
    record: Annotated[
        str | None, typer.Option(metavar="STEM", help="Only this record; default: all stale ones.")
    ] = None,
    suite: OwnSuiteOption = None,
    store: StoreOption = RUNS,
    overrides: SetOption = None,
) -> None:
    """Score records again from their masks after the metrics have changed."""
    from rich.console import Console

    from wsss_leaderboard.cli import leaderboard_view as commands

    reader = commands.reader_of(own(suite, overrides), packs, store)
    commands.rescore(board, packs, record, reader, Console())


@app.command()
def release(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Such as 2026.1.")],
    board: Annotated[
        Path, typer.Option("--board", metavar="FOLDER", help="The folder of a board.")
    ],
    key: KeyOption = None,
) -> None:
    """Freeze a board under a permanent name."""
    from rich.console import Console

    from wsss_leaderboard.cli import leaderboard_view as commands

    commands.release(board, name, key, Console())


def own(suite: Path | None, overrides: list[str] | None, alone: bool = False) -> "Suite | None":
    """The reader's own suite; overrides without one only where they stand ``alone``."""
    if overrides and not suite and not alone:
        raise typer.BadParameter("--set changes your own suite; name it with --suite")
    return request_of(suite, overrides).suite() if suite else None
