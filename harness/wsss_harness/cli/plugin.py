"""The commands `wsss plugin ...`."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from wsss_harness.cli.options import JsonOption, LimitOption, SetOption, options_of

app = typer.Typer(help="Write and check plugins.", no_args_is_help=True)


@app.command("new")
def new_plugin(
    name: Annotated[str, typer.Argument(help="What suites will call it, as my-cam.")],
    refiner: Annotated[bool, typer.Option("--refiner", help="A refiner.")] = False,
    metric: Annotated[bool, typer.Option("--metric", help="A metric.")] = False,
    dataset: Annotated[bool, typer.Option("--dataset", help="A dataset.")] = False,
    folder: Annotated[Path | None, typer.Option(help="Where to write; else wsss-NAME.")] = None,
) -> None:
    """Write a distribution with a small method that works: a generator, unless said otherwise."""
    from wsss_harness.plugins.scaffold import create

    chosen = {"refiner": refiner, "metric": metric, "dataset": dataset}
    kinds = [kind for kind, asked in chosen.items() if asked] or ["generator"]
    if len(kinds) > 1:
        raise typer.BadParameter(f"choose one of --{' and --'.join(kinds)}")
    made = create(name, kinds[0], folder)
    called = name.replace("-", "_")
    Console().print(
        f"wrote {made}. Next:\n\n"
        f"  python -m pip install -e {made}\n"
        f"  wsss plugin check {called}\n"
        f"  wsss run {made / called}.toml",
        highlight=False,
        soft_wrap=True,
        markup=False,
    )


@app.command("check")
def check_plugin(
    name: Annotated[str, typer.Argument(help="A plugin, one of its offers, or a .py file.")],
    overrides: SetOption = None,
    limit: LimitOption = 600,
    as_json: JsonOption = False,
) -> None:
    """Check that a plugin keeps its contract: at work on a few scenes, killed, loaded again."""
    from wsss_harness.cli.plugin_view import print_check

    if not print_check(name, options_of(overrides), limit or 600, Console(), as_json):
        raise typer.Exit(1)
