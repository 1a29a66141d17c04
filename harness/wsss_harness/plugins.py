"""Find plugins, set broken ones aside by name, and build what they offer."""

import dataclasses
import difflib
import itertools
import traceback
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.metadata import EntryPoint, entry_points, version
from types import MappingProxyType
from typing import Any

import pluggy

from wsss_harness import builtin, hookspecs
from wsss_harness.errors import ConfigError
from wsss_harness.options import construct
from wsss_harness.supervision import check_needs

BUILT_IN = "built in"
KINDS = ("dataset", "generator", "refiner", "segmentor", "metric", "executor")


@dataclasses.dataclass(frozen=True)
class Broken:
    """A plugin that was set aside, and why."""

    name: str
    distribution: str
    traceback: str


@dataclasses.dataclass(frozen=True)
class Offer:
    """Something that a plugin announced under a name."""

    kind: str
    name: str
    plugin: str
    distribution: str
    made: Any


@dataclasses.dataclass(frozen=True)
class Plugins:
    """All that is installed: offers by kind and name, and the plugins that do not work."""

    manager: pluggy.PluginManager
    offers: Mapping[str, Mapping[str, Offer]]
    broken: tuple[Broken, ...]

    def find(self, kind: str, name: str) -> Offer:
        """The offer called ``name``; ConfigError lists what is installed."""
        known = self.offers[kind]
        if name not in known:
            close = difflib.get_close_matches(name, known, n=1)
            hint = f" Did you mean '{close[0]}'?" if close else ""
            aside = f" Set aside as broken: {', '.join(b.name for b in self.broken)}."
            raise ConfigError(
                f"no {kind} named '{name}'; installed: {', '.join(sorted(known)) or 'none'}.{hint}"
                + (aside if self.broken else "")
                + " See `wsss plugins`."
            )
        return known[name]

    def build(self, kind: str, name: str, options: Mapping[str, Any]) -> Any:
        """An offer's class with ``options`` as its fields; unknown or ill-typed ones are errors."""
        return construct(f"{kind} '{name}'", self.find(kind, name).made, options)


def _register(manager: pluggy.PluginManager, entry: EntryPoint) -> tuple[Offer, ...] | Broken:
    """Load one entry point and collect its offers; one that fails in any way is set aside."""
    distribution = f"{entry.dist.name} {entry.dist.version}" if entry.dist else "unknown"
    try:
        manager.register(entry.load(), name=entry.name)
        return _announced(manager, entry.name, distribution)
    except (Exception, SystemExit):
        # A stranger's module may raise anything; it must never break the command.
        if manager.has_plugin(entry.name):
            manager.unregister(name=entry.name)
        return Broken(entry.name, distribution, traceback.format_exc(limit=-3))


def _announced(manager: pluggy.PluginManager, plugin: str, distribution: str) -> tuple[Offer, ...]:
    callers = manager.get_hookcallers(manager.get_plugin(plugin)) or []
    misspelt = [caller.name for caller in callers if not caller.has_spec()]
    if misspelt:
        known = ", ".join(name for name in vars(hookspecs) if name.startswith("wsss_"))
        raise ConfigError(f"no hook is called '{misspelt[0]}'; hooks: {known}")
    offers = tuple(
        Offer(kind, name, plugin, distribution, made)
        for kind in KINDS
        for hook in getattr(manager.hook, f"wsss_{kind}s").get_hookimpls()
        if hook.plugin_name == plugin
        for name, made in hook.function().items()
    )
    for offer in offers:
        if offer.kind in ("generator", "refiner"):
            check_needs(getattr(offer.made, "needs", None), f"{offer.kind} '{offer.name}'")
    return offers


def _by_kind(offers: Iterable[Offer]) -> Mapping[str, Mapping[str, Offer]]:
    table: dict[str, dict[str, Offer]] = {kind: {} for kind in KINDS}
    for offer in offers:
        other = table[offer.kind].setdefault(offer.name, offer)
        if other is not offer:
            raise ConfigError(
                f"two plugins offer a {offer.kind} named '{offer.name}': {other.plugin} "
                f"({other.distribution}) and {offer.plugin} ({offer.distribution}); uninstall one"
            )
    return MappingProxyType(table)


def load(entries: tuple[EntryPoint, ...]) -> Plugins:
    """The built-in offers and those of ``entries``."""
    manager = pluggy.PluginManager(hookspecs.GROUP)
    manager.add_hookspecs(hookspecs)
    manager.register(builtin, name=BUILT_IN)
    found = [_register(manager, entry) for entry in entries]
    broken = tuple(result for result in found if isinstance(result, Broken))
    offers = [_announced(manager, BUILT_IN, f"wsss-bench {version('wsss-bench')}")]
    offers += [result for result in found if not isinstance(result, Broken)]
    return Plugins(manager, _by_kind(itertools.chain.from_iterable(offers)), broken)


@cache
def installed() -> Plugins:
    """Everything that the installed distributions announce in the entry-point group ``wsss``."""
    return load(tuple(entry_points(group=hookspecs.GROUP)))
