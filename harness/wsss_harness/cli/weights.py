"""The commands `wsss weights ...`."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from wsss_harness.cli.options import JsonOption

app = typer.Typer(help="Look at files of weights and convert them.", no_args_is_help=True)


@app.command("inspect")
def inspect_weights(
    path: Annotated[Path, typer.Argument(help="A .pth file, or a .params file of MXNet.")],
    as_json: JsonOption = False,
) -> None:
    """Say what a file of weights holds, and which networks it fits or nearly fits."""
    from wsss_harness.cli.weights_view import print_weights

    print_weights(path, Console(), as_json)


@app.command("convert")
def convert_weights(
    path: Annotated[Path, typer.Argument(help="A .pth file, or a .params file of MXNet.")],
    out: Annotated[Path, typer.Argument(help="The state dict to write.")],
    to: Annotated[
        str, typer.Option(help="A backbone, as resnet38, or a method, as eps or affinity:psa.")
    ],
    classes: Annotated[int, typer.Option(min=1, help="Of the network of a method.")] = 20,
) -> None:
    """Write weights under our names; nothing may be missing or left over."""
    from wsss_harness.cli.weights_view import convert

    convert(path, out, to, classes, Console())
