"""Show what is installed and whether it works."""

import json
import platform
import re
from collections.abc import Iterable, Sequence
from importlib.metadata import PackageNotFoundError, requires, version
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from wsss_harness.cli import openmmlab
from wsss_harness.contract.hookspecs import CONTRACT
from wsss_harness.contract.kinds import letters_of
from wsss_harness.plugins.offers import KINDS, Broken, Offer
from wsss_harness.plugins.registry import Plugins, installed

DISTRIBUTION = "wsss-bench"
OFFER_FIELDS = ("kind", "name", "plugin", "distribution", "needs", "paper", "golden")
BROKEN_FIELDS = ("distribution", "reason", "traceback")
OPTIONAL = {
    "pydensecrf2": "only the dense CRF needs it: python -m pip install pydensecrf2",
    "pycocotools": "only the dataset coco14 needs it: python -m pip install pycocotools",
    "timm": "only vision transformers need it: python -m pip install timm",
}


def print_plugins(console: Console, as_json: bool) -> None:
    plugins = installed()
    content = describe(plugins)
    if as_json:
        console.print_json(json.dumps(content))
        return
    offers = [offer for by_name in plugins.offers.values() for offer in by_name.values()]
    offers.sort(key=lambda offer: (KINDS.index(offer.kind), offer.name))
    methods = [offer for offer in offers if offer.needs is not None]
    console.print(_methods(methods))
    console.print("Golden: tests compare it with these numbers of official code.\n")
    console.print(_others([offer for offer in offers if offer not in methods]))
    for broken in plugins.broken:
        _print_reason(console, broken)
    if any(broken.traceback for broken in plugins.broken):
        console.print("Where in their code: wsss doctor", highlight=False)


def _methods(offers: Sequence[Offer]) -> Table:
    """Generators, refiners and segmentors; supervision as in tables, - for none."""
    rows = []
    for offer in offers:
        supervision = letters_of(offer.needs or ())
        golden = ", ".join(offer.golden) or "-"
        package = offer.distribution.partition(" ")[0]
        rows.append((offer.kind, offer.name, supervision, offer.paper or "-", golden, package))
    table = _table(("Kind", "Name", "Sup.", "Paper", "Golden", "From"), rows)
    table.columns[4].max_width = 15  # one name; most papers then fit in one line of 80 columns
    return table


def _others(offers: Sequence[Offer]) -> Table:
    """Datasets, metrics and executors, those of a package in one line."""
    names: dict[tuple[str, str], list[str]] = {}
    for offer in offers:
        names.setdefault((offer.kind, offer.distribution), []).append(offer.name)
    rows = [(kind, ", ".join(own), package) for (kind, package), own in names.items()]
    return _table(("Kind", "Names", "From"), rows)


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> Table:
    table = Table(*heads, box=None, header_style="bold", pad_edge=False)
    for column in table.columns:
        column.overflow = "fold"
    for row in rows:
        table.add_row(*(escape(word) for word in row))
    return table


def describe(plugins: Plugins) -> dict[str, Any]:
    """The contract, all offers and all broken plugins, as JSON values."""
    offers = [
        {field: getattr(offer, field) for field in OFFER_FIELDS}
        for offers in plugins.offers.values()
        for _, offer in sorted(offers.items())
    ]
    broken = [
        {"plugin": plugin.name, **{field: getattr(plugin, field) for field in BROKEN_FIELDS}}
        for plugin in plugins.broken
    ]
    return {"contract": CONTRACT, "offers": offers, "broken": broken}


def _print_reason(console: Console, broken: Broken) -> None:
    title = f"plugin '{broken.name}' ({broken.distribution}) was set aside: {broken.reason}"
    style = "" if broken.optional else "red"
    console.print(escape(title), style=style, soft_wrap=True, highlight=False)


def print_health(console: Console) -> bool:
    """Print versions, devices and plugins; False if something that a suite needs is missing."""
    console.print(f"python {platform.python_version()} on {platform.system()} {platform.machine()}")
    needs = [need for need in requires(DISTRIBUTION) or () if "extra ==" not in need]
    needed = {re.split(r"[^\w.-]", need)[0]: need for need in needs}
    versions = {name: _version(name) for name in (DISTRIBUTION, *needed)}
    for name, installed_version in versions.items():
        console.print(f"{name} {installed_version or '[red]missing[/]'}", highlight=False)
    for name, use in OPTIONAL.items():
        console.print(f"{name} {_version(name) or f'not installed; {use}'}", highlight=False)
    problems = [message for message in (_import_problem(m) for m in ("cv2", "torch")) if message]
    device = None if problems else _device()
    problems += openmmlab.problems(needed)
    for message in problems:
        console.print(escape(message), style="red", soft_wrap=True, highlight=False)
    if device:
        console.print(f"device {device}")
    for broken in installed().broken:
        _print_reason(console, broken)
        if broken.traceback:
            console.print(escape(broken.traceback), highlight=False, soft_wrap=True)
    failed = [broken for broken in installed().broken if not broken.optional]
    return all(versions.values()) and not problems and not failed


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _import_problem(module: str) -> str | None:
    try:
        __import__(module)
    except ImportError as error:
        advice = (
            "; install the system library libGL (Debian: libgl1)" if "libGL" in str(error) else ""
        )
        return f"{module} does not import: {error}{advice}"
    return None


def _device() -> str:
    import torch

    return torch.cuda.get_device_name() if torch.cuda.is_available() else "cpu"
