"""Show what is installed and whether it works."""

import json
import platform
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from wsss_harness.contract.hookspecs import CONTRACT
from wsss_harness.contract.supervision import LETTERS
from wsss_harness.plugins.offers import Broken, Offer
from wsss_harness.plugins.registry import Plugins, installed

DISTRIBUTIONS = (
    "wsss-bench",
    "torch",
    "torchvision",
    "onedl-mmengine",
    "onedl-mmcv",
    "onedl-mmsegmentation",
    "torchcam",
    "numpy",
    "opencv-python",
    "pluggy",
    "rich",
)

OFFER_FIELDS = ("kind", "name", "plugin", "distribution", "needs", "paper")
BROKEN_FIELDS = ("distribution", "reason", "traceback")
OPTIONAL = {
    "pydensecrf2": "only the dense CRF needs it: python -m pip install pydensecrf2",
    "pycocotools": "only the dataset coco14 needs it: python -m pip install pycocotools",
}


def print_plugins(console: Console, as_json: bool) -> None:
    plugins = installed()
    content = describe(plugins)
    if as_json:
        console.print_json(json.dumps(content))
        return
    table = Table(box=None, header_style="bold", pad_edge=False)
    for head in ("Kind", "Name", "Sup.", "Status", "From", "Paper"):
        table.add_column(head, overflow="fold")
    for kind, offers in plugins.offers.items():
        for name, offer in sorted(offers.items()):
            cells = (kind, name, _supervision(offer), "works", offer.distribution, offer.paper)
            table.add_row(*(escape(word) for word in cells))
    for broken in plugins.broken:
        table.add_row("plugin", escape(broken.name), "", "[red]broken[/]", broken.distribution)
    console.print(table)
    for broken in plugins.broken:
        _print_reason(console, broken)
    if any(broken.traceback for broken in plugins.broken):
        console.print("Where in their code: wsss doctor", highlight=False)


def _supervision(offer: Offer) -> str:
    """As in tables, with - for none; empty for other kinds."""
    if offer.needs is None:
        return ""
    return "+".join(LETTERS[need] for need in offer.needs) or "-"


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
    console.print(escape(title), style="red", soft_wrap=True, highlight=False)


def print_health(console: Console) -> bool:
    """Print versions, devices and plugins; False if something that a suite needs is missing."""
    console.print(f"python {platform.python_version()} on {platform.system()} {platform.machine()}")
    versions = {name: _version(name) for name in DISTRIBUTIONS}
    for name, installed_version in versions.items():
        console.print(f"{name} {installed_version or '[red]missing[/]'}", highlight=False)
    for name, use in OPTIONAL.items():
        console.print(f"{name} {_version(name) or f'not installed; {use}'}", highlight=False)
    problems = [message for message in (_import_problem(m) for m in ("cv2", "torch")) if message]
    for message in problems:
        console.print(escape(message), style="red", soft_wrap=True)
    if not problems:
        console.print(f"device {_device()}")
    for broken in installed().broken:
        _print_reason(console, broken)
        if broken.traceback:
            console.print(escape(broken.traceback), highlight=False, soft_wrap=True)
    return all(versions.values()) and not problems and not installed().broken


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
