"""Find plugins, set broken ones aside by name, and build what they offer."""

import dataclasses
import difflib
import importlib
import inspect
import os
import sys
import traceback
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.metadata import entry_points, version
from os.path import samefile
from pathlib import Path
from types import MappingProxyType
from typing import Any, Protocol

import pluggy

from wsss_harness.contract import hookspecs
from wsss_harness.contract.errors import ConfigError, PluginError, WsssError
from wsss_harness.contract.supervision import check_needs
from wsss_harness.plugins.options import construct
from wsss_harness.system import write_guard as guard

BUILT_IN = "built in"
DISTRIBUTION = "wsss-bench"
PLUGIN_PATH = "WSSS_PLUGIN_PATH"
OUTSIDE = "WSSS_OUTSIDE_PLUGINS"
KINDS = ("dataset", "generator", "refiner", "segmentor", "metric", "executor")


@dataclasses.dataclass(frozen=True)
class Broken:
    """A plugin that was set aside: why in a sentence and, where its code failed, the traceback."""

    name: str
    distribution: str
    reason: str
    traceback: str


@dataclasses.dataclass(frozen=True)
class Offer:
    """Something that a plugin announced under a name."""

    kind: str
    name: str
    plugin: str
    distribution: str
    made: Any

    @property
    def needs(self) -> tuple[str, ...] | None:
        """The supervision that it declares; None for kinds that declare none."""
        needs = getattr(self.made, "needs", None)
        return None if needs is None else tuple(sorted(needs))

    @property
    def paper(self) -> str:
        return getattr(self.made, "paper", "")


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
            aside = "; ".join(f"{one.name} ({one.reason})" for one in self.broken)
            raise ConfigError(
                f"no {kind} named '{name}'; installed: {', '.join(sorted(known)) or 'none'}.{hint}"
                + (f" Set aside as broken: {aside}." if aside else "")
                + " See `wsss plugins`."
            )
        return known[name]

    def build(self, kind: str, name: str, options: Mapping[str, Any]) -> Any:
        """An offer's class with ``options`` as its fields; unknown or ill-typed ones are errors.

        Raises:
            PluginError: the class cannot be built, or lacks a method of its protocol.
        """
        offer, owner = self.find(kind, name), f"{kind} '{name}'"
        wanted = self.dataclass_of(kind, name)
        try:
            made = construct(owner, wanted, options)
        except WsssError:
            raise
        except Exception as error:
            raise PluginError(
                f"{owner} of {offer.distribution} cannot be built: {type(error).__name__}: "
                f"{error}; types of fields are looked up at run time, so none may be imported for "
                "type checking alone"
            ) from error
        check_methods(made, kind, owner)
        return made

    def dataclass_of(self, kind: str, name: str) -> type:
        """The class that an offer announced; PluginError if it is no dataclass."""
        offer = self.find(kind, name)
        if isinstance(offer.made, type) and dataclasses.is_dataclass(offer.made):
            return offer.made
        raise PluginError(
            f"{kind} '{name}' of {offer.distribution} is no dataclass; decorate its class with "
            "@dataclass(frozen=True), and announce the class, not an object of it"
        )

    def tell(self, event: hookspecs.StageEvent) -> None:
        """Tell all observers of an event; one that fails is not told of any other."""
        for observer in self.manager.hook.wsss_stage_event.get_hookimpls():
            try:
                with guard.suspended():
                    observer.function(*(event for _ in observer.argnames))
            except Exception as error:
                self.manager.unregister(observer.plugin)
                print(
                    f"the observer '{observer.plugin_name}' failed and is not called again: "
                    f"{type(error).__name__}: {error}",
                    file=sys.__stderr__,
                )


class PluginEntry(Protocol):
    """What an entry point of an installed distribution, or a file, has in common."""

    @property
    def name(self) -> str: ...
    @property
    def dist(self) -> Any: ...
    def load(self) -> Any: ...


@dataclasses.dataclass(frozen=True)
class FilePlugin:
    """A plugin that is one module somewhere on disk, without a distribution."""

    path: Path
    dist: None = None

    @property
    def name(self) -> str:
        return self.path.stem

    def load(self) -> Any:
        if not self.path.is_file():
            raise ConfigError(f"{PLUGIN_PATH} names {self.path}, which is not a file")
        folder = str(self.path.resolve().parent)
        if folder not in sys.path:
            sys.path.append(folder)  # worker processes get it with the path
        module = importlib.import_module(self.name)
        if not samefile(module.__file__ or "", self.path):
            raise ConfigError(
                f"{self.path} has the name of another module, {module.__file__}; rename the file"
            )
        return module


def _origin(entry: PluginEntry) -> str:
    if isinstance(entry, FilePlugin):
        return str(entry.path)
    return f"{entry.dist.name} {entry.dist.version}" if entry.dist else "unknown"


def _register(
    manager: pluggy.PluginManager, entry: PluginEntry, taken: Mapping[Any, Offer]
) -> tuple[Offer, ...] | Broken:
    """Load one entry and collect its offers; one that fails in any way is set aside."""
    origin = _origin(entry)
    if manager.has_plugin(entry.name):
        reason = f"another plugin is named '{entry.name}' already; rename its module or entry point"
        return Broken(entry.name, origin, reason, "")
    try:
        plugin = entry.load()
        _check_contract(plugin)
        manager.register(plugin, name=entry.name)
        offers = _announced(manager, entry.name, origin)
        _refuse_taken(offers, taken)
        return offers
    except (Exception, SystemExit) as error:
        # A stranger's module may raise anything; it must never break the command.
        if manager.has_plugin(entry.name):
            manager.unregister(name=entry.name)
        if isinstance(error, WsssError):
            return Broken(entry.name, origin, str(error), "")
        reason, where = f"{type(error).__name__}: {error}", traceback.format_exc(limit=-3)
        return Broken(entry.name, origin, reason, where)


def _check_contract(plugin: Any) -> None:
    written_for = getattr(plugin, "wsss_contract", hookspecs.CONTRACT)
    if written_for != hookspecs.CONTRACT:
        raise ConfigError(
            f"it was written for contract {written_for}; {DISTRIBUTION} {version(DISTRIBUTION)} "
            f"has contract {hookspecs.CONTRACT}: install another version of one of them, or port "
            "the plugin (the changelog says what changed) and set its wsss_contract"
        )


def _refuse_taken(offers: Iterable[Offer], taken: Mapping[Any, Offer]) -> None:
    for offer in offers:
        other = taken.get((offer.kind, offer.name))
        if other is not None:
            raise ConfigError(
                f"it offers a {offer.kind} named '{offer.name}', which {other.plugin} "
                f"({other.distribution}) offers already; rename it, or uninstall one of the two"
            )


def _announced(manager: pluggy.PluginManager, plugin: str, distribution: str) -> tuple[Offer, ...]:
    callers = manager.get_hookcallers(manager.get_plugin(plugin)) or []
    known = ", ".join(name for name in vars(hookspecs) if name.startswith("wsss_"))
    if not callers:
        raise ConfigError(
            f"it announces nothing: none of its functions is a hook; mark one of {known} with "
            "@hookimpl"
        )
    misspelt = [caller.name for caller in callers if not caller.has_spec()]
    if misspelt:
        close = difflib.get_close_matches(misspelt[0], known.split(", "), n=1)
        hint = f" Did you mean '{close[0]}'?" if close else ""
        raise ConfigError(f"no hook is called '{misspelt[0]}'; hooks: {known}.{hint}")
    offers = tuple(
        Offer(kind, name, plugin, distribution, made)
        for kind in KINDS
        for hook in getattr(manager.hook, f"wsss_{kind}s").get_hookimpls()
        if hook.plugin_name == plugin
        for name, made in _mapping(hook).items()
    )
    for offer in offers:
        if offer.kind in ("generator", "refiner"):
            check_needs(offer.needs, f"{offer.kind} '{offer.name}'")
    return offers


def _mapping(hook: pluggy.HookImpl) -> Mapping[str, Any]:
    found = hook.function()
    if not isinstance(found, Mapping):
        name = hook.function.__name__
        raise ConfigError(
            f"its {name} gave {type(found).__name__}; return a dict, as {{'my_method': MyMethod}}"
        )
    return found


def methods(kind: str) -> dict[str, tuple[str, ...]]:
    """The methods of the protocol of a kind of plugin, with their arguments; of some, none."""
    protocol = hookspecs.PROTOCOLS.get(kind, object)
    found = {n: m for n, m in vars(protocol).items() if inspect.isfunction(m) and n[0] != "_"}
    return {name: tuple(inspect.signature(method).parameters)[1:] for name, method in found.items()}


def check_methods(made: Any, kind: str, owner: str) -> None:
    """Raise PluginError unless an object has the methods of its kind, with their arguments."""
    for name, arguments in methods(kind).items():
        method = getattr(made, name, None)
        called = f"{name}({', '.join(arguments)})"
        if not callable(method):
            raise PluginError(f"{owner} has no method {called}; see the contract reference")
        try:
            inspect.signature(method).bind(*arguments)
        except TypeError as error:
            raise PluginError(f"{owner} cannot be called as {called}: {error}") from None
        except ValueError:
            continue  # a method without a signature that can be seen


def load(entries: Iterable[PluginEntry]) -> Plugins:
    """The built-in offers and those of ``entries``; the first that offers a name has it."""
    manager = pluggy.PluginManager(hookspecs.GROUP)
    manager.add_hookspecs(hookspecs)
    builtin = importlib.import_module("wsss_harness.builtin")  # it imports all other packages
    manager.register(builtin, name=BUILT_IN)
    own = _announced(manager, BUILT_IN, f"{DISTRIBUTION} {version(DISTRIBUTION)}")
    taken = {(offer.kind, offer.name): offer for offer in own}
    broken = []
    for entry in entries:
        found = _register(manager, entry, taken)
        if isinstance(found, Broken):
            broken.append(found)
        else:
            taken |= {(offer.kind, offer.name): offer for offer in found}
    table = {
        kind: {name: offer for (of, name), offer in taken.items() if of == kind} for kind in KINDS
    }
    return Plugins(manager, MappingProxyType(table), tuple(broken))


@cache
def installed() -> Plugins:
    """Everything that is announced in the entry-point group ``wsss``, and by files."""
    return load(entries())


def entries() -> list[PluginEntry]:
    """What is to be loaded, in order.

    The environment variable WSSS_PLUGIN_PATH names modules that are no distributions, separated
    like folders in PATH; WSSS_OUTSIDE_PLUGINS=off leaves out all that wsss-bench does not bring.
    """
    found: list[PluginEntry] = sorted(entry_points(group=hookspecs.GROUP), key=_own_first)
    outside = os.environ.get(OUTSIDE, "on")
    if outside not in ("on", "off"):
        raise ConfigError(f"{OUTSIDE} is '{outside}'; set it to on or off")
    if outside == "off":
        return [entry for entry in found if _own_first(entry)[0] is False]
    return [*found, *(FilePlugin(path) for path in named_files())]


def named_files() -> list[Path]:
    """The modules that WSSS_PLUGIN_PATH names, each once."""
    paths = (Path(path) for path in os.environ.get(PLUGIN_PATH, "").split(os.pathsep) if path)
    return list({path.resolve(): path for path in paths}.values())


def _own_first(entry: PluginEntry) -> tuple[bool, str, str]:
    distribution = entry.dist.name if entry.dist else ""
    return distribution != DISTRIBUTION, distribution, entry.name
