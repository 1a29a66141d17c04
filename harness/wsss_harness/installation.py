"""What is installed and whether it works."""

import json
import platform
from importlib.metadata import PackageNotFoundError, version

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from wsss_harness.plugins import Broken, Plugins, installed

DISTRIBUTIONS = (
    "wsss-bench",
    "torch",
    "torchvision",
    "onedl-mmengine",
    "onedl-mmcv",
    "onedl-mmsegmentation",
    "numpy",
    "opencv-python",
    "pluggy",
    "rich",
)

OPTIONAL = {"pydensecrf2": "only the dense CRF needs it: python -m pip install pydensecrf2"}


def print_plugins(console: Console, as_json: bool) -> None:
    plugins = installed()
    if as_json:
        console.print_json(json.dumps(describe(plugins)))
        return
    table = Table("Kind", "Name", "Plugin", "Distribution", box=None, header_style="bold")
    for offer in _offers(plugins):
        table.add_row(*(escape(offer[key]) for key in ("kind", "name", "plugin", "distribution")))
    console.print(table)
    for broken in plugins.broken:
        _print_broken(console, broken)


def describe(plugins: Plugins) -> dict[str, list[dict[str, str]]]:
    """All offers and all broken plugins as plain values."""
    broken = [
        {"plugin": b.name, "distribution": b.distribution, "traceback": b.traceback}
        for b in plugins.broken
    ]
    return {"offers": _offers(plugins), "broken": broken}


def _offers(plugins: Plugins) -> list[dict[str, str]]:
    return [
        {"kind": kind, "name": name, "plugin": offer.plugin, "distribution": offer.distribution}
        for kind, offers in plugins.offers.items()
        for name, offer in sorted(offers.items())
    ]


def _print_broken(console: Console, broken: Broken) -> None:
    title = f"plugin '{broken.name}' ({broken.distribution}) does not work and was set aside:"
    console.print(escape(title), style="red", soft_wrap=True)
    console.print(escape(broken.traceback), highlight=False, soft_wrap=True)


def print_health(console: Console) -> bool:
    """Print versions, devices and plugins; False if something that a suite needs is missing."""
    console.print(f"python {platform.python_version()} on {platform.system()} {platform.machine()}")
    found = {name: _version(name) for name in DISTRIBUTIONS}
    for name, number in found.items():
        console.print(f"{name} {number or '[red]missing[/]'}", highlight=False)
    for name, use in OPTIONAL.items():
        console.print(f"{name} {_version(name) or f'not installed; {use}'}", highlight=False)
    problems = [message for message in (_import_problem(m) for m in ("cv2", "torch")) if message]
    for message in problems:
        console.print(escape(message), style="red", soft_wrap=True)
    if not problems:
        console.print(f"device {_device()}")
    for broken in installed().broken:
        _print_broken(console, broken)
    return all(found.values()) and not problems and not installed().broken


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
