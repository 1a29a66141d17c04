"""The commands `wsss plugin ...`."""

import dataclasses
import json
import os
from collections import Counter
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from wsss_harness import testing
from wsss_harness.cli.commands import Commands
from wsss_harness.cli.messages import COLOURS, plural, print_plain
from wsss_harness.cli.options import JsonOption, LimitOption, SetOption, options_of
from wsss_harness.contract.errors import ConfigError
from wsss_harness.contract.findings import FAILURE, OK, WARNING
from wsss_harness.plugins.entries import PLUGIN_PATH
from wsss_harness.plugins.offers import Offer
from wsss_harness.plugins.registry import installed
from wsss_harness.plugins.scaffold import create
from wsss_harness.system.similar import did_you_mean

app = Commands()


@app.command("new")
def new_plugin(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="Its name in suites, such as my-cam.")
    ],
    refiner: Annotated[bool, typer.Option("--refiner", help="Write a refiner.")] = False,
    mask_refiner: Annotated[
        bool, typer.Option("--mask-refiner", help="Write a refiner of masks.")
    ] = False,
    metric: Annotated[bool, typer.Option("--metric", help="Write a metric.")] = False,
    dataset: Annotated[bool, typer.Option("--dataset", help="Write a dataset.")] = False,
    folder: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Where to write; default: wsss-NAME.")
    ] = None,
) -> None:
    """Write a distribution with a small working generator, or plugin of another kind."""
    chosen = {
        **{"refiner": refiner, "mask_refiner": mask_refiner},
        **{"metric": metric, "dataset": dataset},
    }
    kinds = [kind for kind, wanted in chosen.items() if wanted] or ["generator"]
    if len(kinds) > 1:
        options = (f"--{kind.replace('_', '-')}" for kind in kinds)
        raise typer.BadParameter(f"choose one of {' and '.join(options)}")
    folder = create(name, kinds[0], folder)
    offer = name.replace("-", "_")
    print_plain(
        Console(),
        f"wrote {folder}. Next:\n\n"
        f"  python -m pip install -e {folder}\n"
        f"  wsss plugin check {offer}\n"
        f"  wsss run {folder / offer}.toml",
    )


@app.command("check")
def check_plugin(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A plugin, an offer, or a .py file.")],
    overrides: SetOption = None,
    weights: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=FILE", help="A file that it wants, by name. Repeatable."),
    ] = None,
    limit: LimitOption = 600,
    as_json: JsonOption = False,
) -> None:
    """Check that a plugin keeps its contract, by running it on a few scenes."""
    console, options = Console(quiet=as_json), options_of(overrides)
    files = {name: Path(str(path)) for name, path in options_of(weights).items()}
    counts: Counter[str] = Counter()
    contents = []
    for offer in offers_named(name):
        console.print(f"[bold]{offer.kind} {offer.name}[/] ({escape(offer.distribution)})")
        for finding in testing.check(offer.kind, offer.name, options, limit or 600, files):
            counts[finding.outcome] += 1
            content = {"kind": offer.kind, "name": offer.name, **dataclasses.asdict(finding)}
            contents.append(content)
            print_finding(finding, console)
    problems = (plural(counts[outcome], outcome) for outcome in (WARNING, FAILURE))
    console.print(", ".join((f"{counts[OK]} ok", *problems)))
    if as_json:
        Console().print_json(json.dumps(contents))
    if counts[FAILURE]:
        raise typer.Exit(1)


def print_finding(finding: testing.Finding, console: Console) -> None:
    outcome = f"[{COLOURS[finding.outcome]}]{finding.outcome:<8}[/]"
    console.print(f"  {outcome} {escape(finding.check)}", highlight=False)
    if finding.message:
        console.print(f"           {escape(finding.message)}", highlight=False, soft_wrap=True)


def offers_named(name: str) -> list[Offer]:
    """The offers of the plugin or file ``name``, or else the offers of this name."""
    if name.endswith(".py"):
        if not Path(name).is_file():
            raise ConfigError(f"there is no file {name}")
        paths = filter(None, (os.environ.get(PLUGIN_PATH), str(Path(name).resolve())))
        os.environ[PLUGIN_PATH] = os.pathsep.join(paths)  # worker processes inherit it
        name = Path(name).stem
    plugins = installed()
    broken = [plugin for plugin in plugins.broken if plugin.name == name]
    if broken:
        where = f"\n{broken[0].traceback}" if broken[0].traceback else ""
        raise ConfigError(f"plugin '{name}' was set aside: {broken[0].reason}{where}")
    offers = [offer for kind in plugins.offers.values() for offer in kind.values()]
    matching = [offer for offer in offers if offer.plugin == name]
    matching = matching or [offer for offer in offers if offer.name == name]
    if not matching:
        names = sorted({offer.plugin for offer in offers} | {offer.name for offer in offers})
        raise ConfigError(f"no plugin or offer is named '{name}'{did_you_mean(name, names)}")
    return matching
