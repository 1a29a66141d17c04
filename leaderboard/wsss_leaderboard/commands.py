"""The commands `wsss leaderboard ...`. Nothing heavy is imported before a command needs it."""

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
