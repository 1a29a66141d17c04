"""The commands `wsss weights ...`."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from wsss_harness.cli.commands import Commands
from wsss_harness.cli.messages import print_plain
from wsss_harness.cli.options import JsonOption
from wsss_harness.contract.errors import ConfigError
from wsss_harness.plugins.registry import installed
from wsss_harness.system.similar import did_you_mean

app = Commands()


FileArgument = Annotated[
    Path, typer.Argument(metavar="FILE", help="A .pth, .safetensors, .npz or .params file.")
]


@app.command("inspect")
def inspect_weights(path: FileArgument, as_json: JsonOption = False) -> None:
    """Show what a file of weights holds, and which networks it fits or nearly fits."""
    from wsss_harness.cli.weights_match import inspect  # loads torch

    console, content = Console(), inspect(path, installed())
    if as_json:
        console.print_json(json.dumps(asdict(content)))
        return
    print_plain(console, f"{content.format}, digest {content.digest}")
    types = ", ".join(content.types)
    print_plain(console, f"{content.tensors:,} tensors of {types}, {content.numbers:,} numbers")
    for name in content.fits:
        print_plain(console, f"fits {name}")
    if not content.fits:
        nearest = f"nearest is {content.nearest}: {content.misfit}"
        print_plain(console, f"fits no known network; {nearest}")


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
    from wsss_harness.cli.weights_match import networks  # loads torch
    from wsss_harness.networks.backbones import weights
    from wsss_harness.networks.checkpoints import write_state

    by_name = {network.name: network for network in networks(installed(), classes)}
    if to not in by_name:
        raise ConfigError(f"no network is named '{to}'{did_you_mean(to, by_name)}")
    network = by_name[to]
    state, module = network.fit(weights.read_weights(path)), network.build()
    weights.fill(module, state, path)
    write_state(out, module.state_dict())
    print_plain(Console(), f"wrote {len(module.state_dict())} tensors of {to} to {out}")
