"""The command `wsss plugin check`."""

import dataclasses
import json
import os
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape

from wsss_harness import testing
from wsss_harness.cli.messages import plural
from wsss_harness.contract.errors import ConfigError
from wsss_harness.contract.findings import FAILURE, OK, WARNING
from wsss_harness.plugins.entries import PLUGIN_PATH
from wsss_harness.plugins.offers import Offer
from wsss_harness.plugins.registry import installed

COLOURS = {OK: "green", WARNING: "yellow", FAILURE: "red"}


def print_check(
    name: str, options: Mapping[str, Any], limit: float, console: Console, as_json: bool
) -> bool:
    """Check the offers of ``name``, printing findings as they come; True if nothing failed.

    ``name`` is a plugin, an offer, or the path of a module.

    Raises:
        ConfigError: nothing has this name, or the plugin was set aside.
    """
    counts: Counter[str] = Counter()
    contents = []
    for offer in offers_named(name):
        if not as_json:
            console.print(f"[bold]{offer.kind} {offer.name}[/] ({escape(offer.distribution)})")
        for finding in testing.check(offer.kind, offer.name, options, limit):
            counts[finding.outcome] += 1
            content = {"kind": offer.kind, "name": offer.name, **dataclasses.asdict(finding)}
            contents.append(content)
            if not as_json:
                _print(console, finding)
    if as_json:
        console.print_json(json.dumps(contents))
    else:
        problems = (plural(counts[outcome], outcome) for outcome in (WARNING, FAILURE))
        console.print(", ".join((f"{counts[OK]} ok", *problems)))
    return not counts[FAILURE]


def _print(console: Console, finding: testing.Finding) -> None:
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
        names = ", ".join(sorted({offer.plugin for offer in offers} | {o.name for o in offers}))
        raise ConfigError(f"no plugin or offer is called '{name}'; names: {names}")
    return matching
