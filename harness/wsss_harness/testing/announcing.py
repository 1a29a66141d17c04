"""Checks of what a plugin announces, without running it."""

import dataclasses
import inspect
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from typing import Any

from wsss_harness.contract.errors import ConfigError, PluginError
from wsss_harness.contract.findings import WARNING, Finding, judge
from wsss_harness.contract.hookspecs import CONTRACT, PROTOCOLS
from wsss_harness.plugins.inherited import new_defaults
from wsss_harness.plugins.offers import DECLARING, Offer, methods
from wsss_harness.plugins.options import construct, divided
from wsss_harness.plugins.registry import Plugins

PLACEHOLDER = "Authors, venue and year"  # as in the templates
LIGHT, HEAVY = 98, 99  # exit codes of a process without and with torch; other codes are crashes


def check(plugins: Plugins, offer: Offer, options: Mapping[str, Any]) -> Iterator[Finding]:
    yield judge("announces itself", _shape(offer))
    yield judge("states the contract that it was written for", _contract(plugins, offer), WARNING)
    if offer.kind == "metric":
        return
    yield judge("refuses an unknown option", _unknown_option(offer))
    yield judge("is built from its options", _building(plugins, offer, options))
    yield judge("documents its options", _undocumented(offer), WARNING)
    if dataclasses.is_dataclass(offer.announced) and (changed := new_defaults(offer.announced)):
        message = f"new defaults: {', '.join(changed)}"
        yield Finding("keeps the meaning of inherited options", message=message)
    if offer.kind in DECLARING:
        remedy = f"set a class attribute paper = '{PLACEHOLDER}'"
        unnamed = offer.paper in ("", PLACEHOLDER)
        yield judge("names its paper", remedy if unnamed else None, WARNING)
        yield judge("names its golden files, if it has any", _golden(offer))
    yield judge("is announced without loading torch", _heavy(offer), WARNING)


def _shape(offer: Offer) -> str | None:
    declared = ("needs",) if offer.kind in DECLARING else ()
    names = (*declared, *methods(offer.kind))
    missing = [name for name in names if not hasattr(offer.announced, name)]
    if missing:
        protocol = PROTOCOLS[offer.kind].__name__
        return f"{offer.announced.__name__} has no '{missing[0]}'; see the {protocol} protocol"
    return None


def _contract(plugins: Plugins, offer: Offer) -> str | None:
    module = plugins.manager.get_plugin(offer.plugin)
    if hasattr(module, "wsss_contract") or offer.distribution.startswith("wsss-bench "):
        return None
    return f"set wsss_contract = {CONTRACT} in its module, so that a later harness can tell"


def _unknown_option(offer: Offer) -> str | None:
    if not dataclasses.is_dataclass(offer.announced):
        return f"{offer.announced.__name__} is not a dataclass, whose fields a suite could set"
    try:
        construct(offer.name, offer.announced, {"no_such_option": 1})
    except ConfigError:
        return None
    return "it takes any option; a misspelt key of a suite must be an error"


def _undocumented(offer: Offer) -> str | None:
    if not dataclasses.is_dataclass(offer.announced):
        return None
    announced = offer.announced
    bases = inspect.getmro(announced if isinstance(announced, type) else type(announced))
    texts = (inspect.getdoc(base) or "" for base in bases[:-1])
    pairs = zip(bases, texts, strict=False)
    # Python gives a dataclass without a docstring its signature as one.
    text = "\n".join(text for base, text in pairs if not text.startswith(f"{base.__name__}("))
    names = [field.name for field in dataclasses.fields(offer.announced) if field.init]
    missing = [name for name in names if not re.search(rf"\b{name}\b", text)]
    return f"its docstring does not say what {', '.join(missing)} do" if missing else None


def _golden(offer: Offer) -> str | None:
    names = getattr(offer.announced, "golden", ())
    if isinstance(names, tuple) and all(isinstance(name, str) and name for name in names):
        return None
    return (
        f"golden is {names!r}; give a tuple of names, such as ('{offer.name}',): the files of "
        "numbers of official code that its tests compare with"
    )


def _heavy(offer: Offer) -> str | None:
    code = (
        "import sys; from wsss_harness.plugins import entries, registry; "
        f"registry.load(e for e in entries.entries() if e.name == {offer.plugin!r}); "
        f"sys.exit({HEAVY} if 'torch' in sys.modules else {LIGHT})"
    )
    command = [sys.executable, "-c", code]
    process = subprocess.run(command, check=False, capture_output=True, text=True, errors="replace")
    if process.returncode == LIGHT:
        return None
    if process.returncode == HEAVY:
        return "import torch, and what uses it, inside methods; all commands pay for module imports"
    return f"its process ended with {process.returncode}: {process.stderr[-400:]}"


def _building(plugins: Plugins, offer: Offer, options: Mapping[str, Any]) -> str | None:
    try:
        divided(plugins.build(offer.kind, offer.name, options))
    except ConfigError as error:
        return f"{error}; pass options with which it can be built"
    except PluginError as error:
        return str(error)
    return None
