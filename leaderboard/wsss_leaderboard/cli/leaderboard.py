"""The commands `wsss leaderboard ...`. Nothing heavy is imported before a command needs it."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

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

app = typer.Typer(help="Publish records that others can check.", no_args_is_help=True)


@app.callback()
def _group() -> None:  # a group of one command would have no name of its own
    pass


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
    out: Annotated[Path, typer.Option(help="Folder of the site; what it held before is replaced.")],
    title: Annotated[str, typer.Option(help="The name of the site.")] = "WSSS leaderboard",
) -> None:
    """Write the leaderboard as pages that any static host, or a disk, can show."""
    from wsss_leaderboard.site.build import build

    pages = build(folders, out, title)
    typer.echo(f"{len(pages)} pages; the first is {out / 'index.html'}")


FolderArgument = Annotated[Path, typer.Argument(help="A submission.")]
BoardOption = Annotated[Path | None, typer.Option("--board", help="The folder of a board.")]
PacksOption = Annotated[
    Path | None, typer.Option(help="Folder of mask packs, if they do not lie in the submission.")
]
OwnSuiteOption = Annotated[
    Path | None, typer.Option("--suite", help="A suite of yours on the data of the record.")
]
KeyOption = Annotated[
    Path | None, typer.Option("--sign", metavar="KEY", help="Sign it with this ssh key.")
]
ByOption = Annotated[str | None, typer.Option(help="Who verifies it, to be shown.")]
NewTableOption = Annotated[
    bool, typer.Option("--new-table", help="It may have a protocol that the board does not have.")
]


@app.command()
def submit(
    suite: Annotated[Path | None, typer.Argument(help="A suite that was run.")] = None,
    method: Annotated[str | None, typer.Argument(help="The method of one of its rows.")] = None,
    out: Annotated[Path | None, typer.Option(help="Where to write the submission.")] = None,
    seed: Annotated[int | None, typer.Option(help="Only this seed; else all.")] = None,
    masks: Annotated[bool, typer.Option(help="Put the masks in, or their digests alone.")] = True,
    corrects: Annotated[
        bool, typer.Option("--corrects", help="It takes the place of what the board has.")
    ] = False,
    key: KeyOption = None,
    store: StoreOption = RUNS,
    overrides: SetOption = None,
    methods: RowsOption = None,
    words: OnlyOption = None,
    dataset: Annotated[str | None, typer.Option(help="Of which dataset of several.")] = None,
    to_check: Annotated[
        Path | None, typer.Option("--check", metavar="FOLDER", help="Only check a submission.")
    ] = None,
) -> None:
    """Write a row that was run as a folder for a pull request, and check it."""
    from rich.console import Console

    from wsss_leaderboard.cli import leaderboard_view as commands

    if to_check is not None:
        given = (suite, method, out, seed, key, overrides, methods, words, dataset)
        if any(one is not None for one in given) or corrects or not masks:
            raise typer.BadParameter("--check takes no other option but --store")
        check(to_check, store=store)
        return
    if suite is None or method is None or out is None:
        raise typer.BadParameter("name SUITE, METHOD and --out FOLDER, or --check FOLDER")
    request = commands.of_dataset(request_of(suite, overrides, methods, words), dataset)
    if not commands.submit(request, method, seed, store, out, masks, corrects, key, Console()):
        raise typer.Exit(1)


@app.command()
def check(
    folder: Annotated[Path, typer.Argument(help="A submission, or a board.")],
    board: BoardOption = None,
    packs: PacksOption = None,
    suite: OwnSuiteOption = None,
    store: StoreOption = RUNS,
    overrides: SetOption = None,
    new_table: NewTableOption = False,
    markdown: Annotated[
        bool, typer.Option("--markdown", help="Tell what would change on the board, for a comment.")
    ] = False,
) -> None:
    """Check a submission, or the chain of a board; nothing of either is run."""
    from rich.console import Console

    from wsss_leaderboard.cli import leaderboard_view as commands

    reader = commands.reader_of(own(suite, overrides), packs, store)
    if not commands.check(folder, board, reader, new_table, markdown, Console()):
        raise typer.Exit(1)


@app.command()
def accept(
    folder: FolderArgument,
    board: Annotated[Path, typer.Option("--board", help="The folder of a board; made if new.")],
    packs: PacksOption = None,
    suite: OwnSuiteOption = None,
    store: StoreOption = RUNS,
    overrides: SetOption = None,
    new_table: NewTableOption = False,
    by: ByOption = None,
) -> None:
    """Check a submission and put its records onto a board."""
    from rich.console import Console

    from wsss_leaderboard.cli import leaderboard_view as commands

    reader = commands.reader_of(own(suite, overrides), packs, store)
    commands.accept(folder, board, reader, new_table, by, Console())


@app.command()
def verify(
    record: Annotated[Path, typer.Argument(help="The file of a record.")],
    tier: Annotated[
        int,
        typer.Option(
            min=1,
            max=4,
            help="1: digests. 2: metrics from masks. 3: scores from weights. 4: train again.",
        ),
    ] = 2,
    by: ByOption = None,
    packs: PacksOption = None,
    suite: OwnSuiteOption = None,
    tolerance: Annotated[
        float | None, typer.Option(min=0, metavar="POINTS", help="By how much mIoU may differ.")
    ] = None,
    store: StoreOption = RUNS,
    overrides: SetOption = None,
    limit: LimitOption = None,
) -> None:
    """Verify a record in tiers up to a failure, and note the highest that it passes."""
    from rich.console import Console

    from wsss_leaderboard.cli import leaderboard_view as commands

    reader = commands.reader_of(own(suite, overrides, alone=True), packs, store, limit)
    points = None if tolerance is None else tolerance / 100
    verifier = commands.verifier_of(record, reader, overrides, points)
    if not commands.verify(verifier, tier, by, Console()):
        raise typer.Exit(1)


@app.command()
def rescore(
    packs: Annotated[Path, typer.Argument(help="Folder of mask packs.")],
    board: Annotated[Path, typer.Option("--board", help="The folder of a board.")],
    record: Annotated[
        str | None, typer.Option(metavar="STEM", help="Only this one; else all that are stale.")
    ] = None,
    suite: OwnSuiteOption = None,
    store: StoreOption = RUNS,
    overrides: SetOption = None,
) -> None:
    """Score records anew from their masks, once the metrics have changed."""
    from rich.console import Console

    from wsss_leaderboard.cli import leaderboard_view as commands

    reader = commands.reader_of(own(suite, overrides), packs, store)
    commands.rescore(board, packs, record, reader, Console())


@app.command()
def release(
    name: Annotated[str, typer.Argument(help="As 2026.1.")],
    board: Annotated[Path, typer.Option("--board", help="The folder of a board.")],
    key: KeyOption = None,
) -> None:
    """Freeze a board under a name that never means anything else."""
    from rich.console import Console

    from wsss_leaderboard.cli import leaderboard_view as commands

    commands.release(board, name, key, Console())


def own(suite: Path | None, overrides: list[str] | None, alone: bool = False) -> "Suite | None":
    """The reader's own suite; overrides without one only where they stand ``alone``."""
    if overrides and not suite and not alone:
        raise typer.BadParameter("--set changes a suite of yours; name it with --suite")
    return request_of(suite, overrides).suite() if suite else None
