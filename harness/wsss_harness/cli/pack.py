"""The commands `wsss pack ...`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from wsss_harness.cli.commands import Commands
from wsss_harness.cli.options import (
    RUNS,
    MethodArgument,
    SeedOption,
    SetOption,
    StoreOption,
    SuiteArgument,
    request_of,
)

if TYPE_CHECKING:
    from wsss_harness.packs.manifest import Kind

app = Commands("Exchange masks and scores as folders.")


FolderArgument = Annotated[Path, typer.Argument(metavar="FOLDER", help="Where to write the pack.")]


@app.command("export")
def export_pack(
    suite: SuiteArgument,
    method: MethodArgument,
    folder: FolderArgument,
    scores: Annotated[
        bool, typer.Option("--scores", help="Write scores instead of masks.")
    ] = False,
    seed: SeedOption = None,
    store: StoreOption = RUNS,
    overrides: SetOption = None,
) -> None:
    """Write the masks of a finished row as a pack that others can check and use."""
    from wsss_harness.cli import pack_view as commands

    request = request_of(suite, overrides)
    kind: Kind = "scores" if scores else "masks"
    commands.export(request, method, folder, store, kind, seed, Console())


@app.command("import")
def import_pack(
    source: Annotated[Path, typer.Argument(metavar="SOURCE", help="The folder to import.")],
    suite: SuiteArgument,
    folder: FolderArgument,
    layout: Annotated[
        str,
        typer.Option(
            metavar="LAYOUT",
            help="masks: ID.png, class indices; maps: ID_c.png, 8 bits; or pack.",
        ),
    ] = "masks",
    method: Annotated[str | None, typer.Option(metavar="NAME", help="Name of its row.")] = None,
    supervision: Annotated[
        list[str] | None,
        typer.Option(
            metavar="KIND", help="What the method used: image_labels, saliency. Repeatable."
        ),
    ] = None,
    store: StoreOption = RUNS,
    overrides: SetOption = None,
) -> None:
    """Check a folder against the dataset of a suite and write it as a pack."""
    from wsss_harness.cli import pack_view as commands

    request = request_of(suite, overrides)
    commands.import_(source, request, folder, store, layout, method, supervision, Console())
