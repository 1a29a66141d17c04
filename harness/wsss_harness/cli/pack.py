"""The commands `wsss pack ...`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from wsss_harness.cli.options import RUNS, SetOption, StoreOption, SuiteArgument, request_of

if TYPE_CHECKING:
    from wsss_harness.packs.manifest import Kind

app = typer.Typer(help="Exchange masks and scores as folders.", no_args_is_help=True)


@app.command("export")
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
    from wsss_harness.cli import pack_view as commands

    request = request_of(suite, overrides)
    kind: Kind = "scores" if scores else "masks"
    commands.export(request, method, folder, store, kind, seed, Console())


@app.command("import")
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
    from wsss_harness.cli import pack_view as commands

    request = request_of(suite, overrides)
    commands.import_(source, request, folder, store, layout, method, supervision, Console())
