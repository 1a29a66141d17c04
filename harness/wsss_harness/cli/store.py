"""The commands `wsss store ...`."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from wsss_harness.cli.options import RUNS, JsonOption, StoreOption

app = typer.Typer(help="Look after a store of finished stages.", no_args_is_help=True)


@app.command("list")
def list_store(store: StoreOption = RUNS, as_json: JsonOption = False) -> None:
    """Say how much lies in the store, by kind of stage and by suite."""
    from wsss_harness.cli.store_view import print_sizes

    print_sizes(store, Console(), as_json)


@app.command("verify")
def verify_store(store: StoreOption = RUNS) -> None:
    """Read every file of every finished stage, and name those that are not as they were made."""
    from wsss_harness.cli.store_view import print_damages

    if print_damages(store, Console()):
        raise typer.Exit(1)


@app.command("prune")
def prune_store(
    suites: Annotated[
        list[Path] | None, typer.Argument(help="Suite files whose stages stay as well.")
    ] = None,
    store: StoreOption = RUNS,
    yes: Annotated[bool, typer.Option("--yes", help="Remove it; else it is listed.")] = False,
) -> None:
    """List or remove the stages that no suite needs: none in results, and none that is given."""
    from wsss_harness.cli.store_view import prune

    prune(suites or [], store, yes, Console())


@app.command("export")
def export_stage(
    stage: Annotated[str, typer.Argument(help="Its title, as 'fit eps', or how its key begins.")],
    archive: Annotated[Path, typer.Argument(help="The tar file to write.")],
    store: StoreOption = RUNS,
) -> None:
    """Write a finished stage as an archive, so that another store need not make it again."""
    from wsss_harness.cli.store_view import export

    export(stage, archive, store, Console())


@app.command("import")
def import_stage(
    archive: Annotated[Path, typer.Argument(help="A tar file of wsss store export.")],
    store: StoreOption = RUNS,
) -> None:
    """Check an archive and put its stage into the store."""
    from wsss_harness.cli.store_view import import_

    import_(archive, store, Console())
