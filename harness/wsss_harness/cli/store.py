"""The commands `wsss store ...`."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from wsss_harness.cli.commands import Commands
from wsss_harness.cli.options import RUNS, JsonOption, StoreOption

app = Commands("Manage a store of finished stages.")


@app.command("list")
def list_store(store: StoreOption = RUNS, as_json: JsonOption = False) -> None:
    """Show the size of a store, by kind of stage and by suite."""
    from wsss_harness.cli.store_view import print_sizes

    print_sizes(store, Console(), as_json)


@app.command("verify")
def verify_store(store: StoreOption = RUNS) -> None:
    """Read all files of finished stages and name the damaged ones."""
    from wsss_harness.cli.store_view import print_damages

    if print_damages(store, Console()):
        raise typer.Exit(1)


@app.command("prune")
def prune_store(
    suites: Annotated[
        list[Path] | None,
        typer.Argument(metavar="SUITE", help="Also keep the stages of these suites."),
    ] = None,
    store: StoreOption = RUNS,
    yes: Annotated[
        bool, typer.Option("--yes", help="Remove them; without it they are listed.")
    ] = False,
) -> None:
    """List or remove stages that neither results nor the given suites need."""
    from wsss_harness.cli.store_view import prune

    prune(suites or [], store, yes, Console())


@app.command("export")
def export_stage(
    stage: Annotated[
        str,
        typer.Argument(
            metavar="STAGE", help="Its title, such as 'fit eps', or the start of its key."
        ),
    ],
    archive: Annotated[Path, typer.Argument(metavar="ARCHIVE", help="The tar file to write.")],
    store: StoreOption = RUNS,
) -> None:
    """Write a finished stage as an archive for another store."""
    from wsss_harness.cli.store_view import export

    export(stage, archive, store, Console())


@app.command("import")
def import_stage(
    archive: Annotated[
        Path, typer.Argument(metavar="ARCHIVE", help="A tar file of wsss store export.")
    ],
    store: StoreOption = RUNS,
) -> None:
    """Check an archive and add its stage to the store."""
    from wsss_harness.cli.store_view import import_

    import_(archive, store, Console())
