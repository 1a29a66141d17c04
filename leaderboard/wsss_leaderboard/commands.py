"""The commands `wsss leaderboard ...`. Nothing heavy is imported before a command needs it."""

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(help="Publish records that others can check.", no_args_is_help=True)


@app.callback()
def _group() -> None:  # a group of one command would have no name of its own
    pass


@app.command("schema")
def print_schema() -> None:
    """Print the JSON Schema of a record."""
    import json

    from wsss_leaderboard.records import schema

    typer.echo(json.dumps(schema(), indent=1))


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
    typer.echo(f"{len(pages.written)} pages; the first is {out / 'index.html'}")
