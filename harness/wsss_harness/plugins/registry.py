"""All plugins that work, by what they offer; broken ones are set aside by name."""

import dataclasses
import importlib
import sys
import traceback
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.metadata import version
from itertools import chain
from types import MappingProxyType
from typing import Any

import pluggy

from wsss_harness.contract import hookspecs
from wsss_harness.contract.errors import ConfigError, MissingExtra, PluginError, WsssError
from wsss_harness.plugins.entries import DISTRIBUTION, PluginEntry, entries, origin
from wsss_harness.plugins.offers import KINDS, Broken, Offer, check_methods, offers_of
from wsss_harness.plugins.options import construct
from wsss_harness.system import write_guard
from wsss_harness.system.similar import did_you_mean

BUILT_IN = "built in"
Offers = dict[str, dict[str, Offer]]  # by kind and name


@dataclasses.dataclass(frozen=True)
class Plugins:
    """All installed plugins: their offers by kind and name, and the broken ones."""

    manager: pluggy.PluginManager
    offers: Mapping[str, Mapping[str, Offer]]
    broken: tuple[Broken, ...]

    def find(self, kind: str, name: str) -> Offer:
        """The offer called ``name``; ConfigError lists what is installed."""
        offers = self.offers[kind]
        if name not in offers:
            broken = "; ".join(f"{plugin.name} ({plugin.reason})" for plugin in self.broken)
            raise ConfigError(
                f"no {kind} is named '{name}'{did_you_mean(name, sorted(offers))}"
                + (f". Set aside as broken: {broken}" if broken else "")
                + ". See `wsss plugins`"
            )
        return offers[name]

    def build(self, kind: str, name: str, options: Mapping[str, Any]) -> Any:
        """An object of an offer's class, with ``options`` as its fields.

        Raises:
            ConfigError: an option is unknown, missing or of the wrong type.
            PluginError: the class cannot be built, or lacks a method of its protocol.
        """
        offer, owner = self.find(kind, name), f"{kind} '{name}'"
        cls = self.dataclass_of(kind, name)
        try:
            instance = construct(owner, cls, options)
        except WsssError:
            raise
        except Exception as error:
            raise PluginError(
                f"{owner} of {offer.distribution} cannot be built: {type(error).__name__}: "
                f"{error}; types of fields are looked up at run time, so none may be imported for "
                "type checking alone"
            ) from error
        check_methods(instance, kind, owner)
        return instance

    def dataclass_of(self, kind: str, name: str) -> type:
        """The class that an offer announced; PluginError if it is no dataclass."""
        offer = self.find(kind, name)
        if isinstance(offer.announced, type) and dataclasses.is_dataclass(offer.announced):
            return offer.announced
        raise PluginError(
            f"{kind} '{name}' of {offer.distribution} is no dataclass; decorate its class with "
            "@dataclass(frozen=True), and announce the class, not an object of it"
        )

    def tell(self, event: hookspecs.StageEvent) -> None:
        """Pass an event to all observers; one that fails is not called again."""
        for observer in self.manager.hook.wsss_stage_event.get_hookimpls():
            try:
                with write_guard.suspended():
                    observer.function(*(event for _ in observer.argnames))
            except Exception as error:
                self.manager.unregister(observer.plugin)
                print(
                    f"the observer '{observer.plugin_name}' failed and is not called again: "
                    f"{type(error).__name__}: {error}",
                    file=sys.__stderr__,
                )


def load(entries: Iterable[PluginEntry]) -> Plugins:
    """The built-in offers and those of ``entries``; the first that offers a name keeps it."""
    manager = pluggy.PluginManager(hookspecs.GROUP)
    manager.add_hookspecs(hookspecs)
    builtin = importlib.import_module("wsss_harness.builtin")  # it imports all other packages
    manager.register(builtin, name=BUILT_IN)
    offers: Offers = {kind: {} for kind in KINDS}
    own = offers_of(manager, BUILT_IN, f"{DISTRIBUTION} {version(DISTRIBUTION)}")
    broken = []
    for outcome in chain([own], (_register(manager, entry, offers) for entry in entries)):
        if isinstance(outcome, Broken):
            broken.append(outcome)
            continue
        for offer in outcome:
            offers[offer.kind][offer.name] = offer
    return Plugins(manager, MappingProxyType(offers), tuple(broken))


def _register(
    manager: pluggy.PluginManager, entry: PluginEntry, taken: Offers
) -> tuple[Offer, ...] | Broken:
    """Load one plugin and collect its offers; set it aside if it fails in any way."""
    source = origin(entry)
    if manager.has_plugin(entry.name):
        reason = f"another plugin is named '{entry.name}' already; rename its module or entry point"
        return Broken(entry.name, source, reason, "")
    try:
        plugin = entry.load()
        _check_contract(plugin)
        manager.register(plugin, name=entry.name)
        offers = offers_of(manager, entry.name, source)
        _refuse_taken(offers, taken)
        return offers
    except (Exception, SystemExit) as error:
        # A stranger's module may raise anything; it must never break the command.
        if manager.has_plugin(entry.name):
            manager.unregister(name=entry.name)
        if isinstance(error, WsssError):
            return Broken(entry.name, source, str(error), "", isinstance(error, MissingExtra))
        trace = traceback.format_exc(limit=-3)
        return Broken(entry.name, source, f"{type(error).__name__}: {error}", trace)


def _check_contract(plugin: Any) -> None:
    written_for = getattr(plugin, "wsss_contract", hookspecs.CONTRACT)
    if written_for != hookspecs.CONTRACT:
        raise ConfigError(
            f"it was written for contract {written_for}; {DISTRIBUTION} {version(DISTRIBUTION)} "
            f"has contract {hookspecs.CONTRACT}: install another version of one of them, or port "
            "the plugin (the changelog says what changed) and set its wsss_contract"
        )


def _refuse_taken(offers: Iterable[Offer], taken: Offers) -> None:
    for offer in offers:
        other = taken[offer.kind].get(offer.name)
        if other is not None:
            raise ConfigError(
                f"it offers a {offer.kind} named '{offer.name}', which {other.plugin} "
                f"({other.distribution}) offers already; rename it, or uninstall one of the two"
            )


@cache
def installed() -> Plugins:
    """Everything in the entry-point group ``wsss`` and in WSSS_PLUGIN_PATH."""
    return load(entries())
