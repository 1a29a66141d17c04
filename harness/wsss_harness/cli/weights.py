"""The commands `wsss weights ...`."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from wsss_harness.cli.commands import Commands
from wsss_harness.cli.options import JsonOption

app = Commands()


FileArgument = Annotated[
    Path, typer.Argument(metavar="FILE", help="A .pth file, or a .params file of MXNet.")
]


@app.command("inspect")
def inspect_weights(
    path: FileArgument,
    as_json: JsonOption = False,
) -> None:
    """Show what a file of weights holds, and which networks it fits or nearly fits."""
    from wsss_harness.cli.weights_view import print_weights

    print_weights(path, Console(), as_json)


@app.command("convert")
def convert_weights(
    path: FileArgument,
    out: Annotated[Path, typer.Argument(metavar="OUT", help="The state dict to write.")],
    to: Annotated[
        str,
        typer.Option(metavar="NAME", help="A backbone (resnet38) or method (eps, affinity:psa)."),
    ],
    classes: Annotated[
        int, typer.Option(min=1, metavar="N", help="Classes of a method's network.")
    ] = 20,
) -> None:
    """Write weights under our names; all tensors must match."""
    from wsss_harness.cli.weights_view import convert

    convert(path, out, to, classes, Console())
