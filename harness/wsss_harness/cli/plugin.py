"""The commands `wsss plugin ...`."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from wsss_harness.cli.commands import Commands
from wsss_harness.cli.options import JsonOption, LimitOption, SetOption, options_of

app = Commands("Write and check plugins.")


@app.command("new")
def new_plugin(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="Its name in suites, such as my-cam.")
    ],
    refiner: Annotated[bool, typer.Option("--refiner", help="Write a refiner.")] = False,
    metric: Annotated[bool, typer.Option("--metric", help="Write a metric.")] = False,
    dataset: Annotated[bool, typer.Option("--dataset", help="Write a dataset.")] = False,
    folder: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Where to write; default: wsss-NAME.")
    ] = None,
) -> None:
    """Write a distribution with a small working generator, or plugin of another kind."""
    from wsss_harness.plugins.scaffold import create

    chosen = {"refiner": refiner, "metric": metric, "dataset": dataset}
    kinds = [kind for kind, wanted in chosen.items() if wanted] or ["generator"]
    if len(kinds) > 1:
        raise typer.BadParameter(f"choose one of --{' and --'.join(kinds)}")
    folder = create(name, kinds[0], folder)
    offer = name.replace("-", "_")
    Console().print(
        f"wrote {folder}. Next:\n\n"
        f"  python -m pip install -e {folder}\n"
        f"  wsss plugin check {offer}\n"
        f"  wsss run {folder / offer}.toml",
        highlight=False,
        soft_wrap=True,
        markup=False,
    )


@app.command("check")
def check_plugin(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A plugin, an offer, or a .py file.")],
    overrides: SetOption = None,
    limit: LimitOption = 600,
    as_json: JsonOption = False,
) -> None:
    """Check that a plugin keeps its contract, by running it on a few scenes."""
    from wsss_harness.cli.plugin_view import print_check

    if not print_check(name, options_of(overrides), limit or 600, Console(), as_json):
        raise typer.Exit(1)
