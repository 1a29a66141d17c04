"""What `wsss plugin check` prints."""

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
from wsss_harness.contract.errors import ConfigError
from wsss_harness.contract.findings import FAILURE, OK, WARNING
from wsss_harness.plugins.entries import PLUGIN_PATH
from wsss_harness.plugins.offers import Offer
from wsss_harness.plugins.registry import installed

COLOURS = {OK: "green", WARNING: "yellow", FAILURE: "red"}


def print_check(
    name: str, options: Mapping[str, Any], limit: float, console: Console, as_json: bool
) -> bool:
    """Check what ``name`` offers, printing each finding as it comes; True if nothing failed.

    ``name`` is that of a plugin, of one of its offers, or the path of a module.

    Raises:
        ConfigError: nothing is called so, or the plugin was set aside.
    """
    counts: Counter[str] = Counter()
    found = []
    for offer in offers_called(name):
        if not as_json:
            console.print(f"[bold]{offer.kind} {offer.name}[/] ({escape(offer.distribution)})")
        for finding in testing.check(offer.kind, offer.name, options, limit):
            counts[finding.outcome] += 1
            content = {"kind": offer.kind, "name": offer.name, **dataclasses.asdict(finding)}
            found.append(content)
            if not as_json:
                _print(console, finding)
    if as_json:
        console.print_json(json.dumps(found))
    else:
        told = (f"{counts[outcome]} {outcome}" for outcome in (OK, WARNING, FAILURE))
        plural = (text + "s" * (not text.startswith("1 ") and text[-2:] != "ok") for text in told)
        console.print(", ".join(plural))
    return not counts[FAILURE]


def _print(console: Console, finding: testing.Finding) -> None:
    outcome = f"[{COLOURS[finding.outcome]}]{finding.outcome:<8}[/]"
    console.print(f"  {outcome} {escape(finding.check)}", highlight=False)
    if finding.message:
        console.print(f"           {escape(finding.message)}", highlight=False, soft_wrap=True)


def offers_called(name: str) -> list[Offer]:
    """The offers of the plugin, or the offers, called ``name``; of a file, what it offers."""
    if name.endswith(".py"):
        if not Path(name).is_file():
            raise ConfigError(f"there is no file {name}")
        known = os.environ.get(PLUGIN_PATH, "")
        path = os.pathsep.join(filter(None, (known, str(Path(name).resolve()))))
        os.environ[PLUGIN_PATH] = path  # for the processes that work, too
        name = Path(name).stem
    found = installed()
    broken = [plugin for plugin in found.broken if plugin.name == name]
    if broken:
        where = f"\n{broken[0].traceback}" if broken[0].traceback else ""
        raise ConfigError(f"plugin '{name}' was set aside: {broken[0].reason}{where}")
    offers = [offer for kind in found.offers.values() for offer in kind.values()]
    called = [offer for offer in offers if offer.plugin == name]
    called = called or [offer for offer in offers if offer.name == name]
    if not called:
        known = ", ".join(sorted({offer.plugin for offer in offers} | {o.name for o in offers}))
        raise ConfigError(f"no plugin and no offer is called '{name}'; there are {known}")
    return called
