"""What plugins offer: classes and metrics by kind and name, collected from their hooks."""

import dataclasses
import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pluggy

from wsss_harness.contract import hookspecs
from wsss_harness.contract.errors import ConfigError, PluginError
from wsss_harness.contract.supervision import check_needs
from wsss_harness.contract.weights import wanted_weights
from wsss_harness.plugins.inherited import check_inherited
from wsss_harness.system.similar import did_you_mean

DECLARING = ("generator", "refiner", "mask_refiner")  # kinds that declare their supervision
KINDS = ("dataset", *DECLARING, "segmentor", "metric", "executor")


@dataclass(frozen=True)
class Offer:
    """Something that a plugin announced under a name."""

    kind: str
    name: str
    plugin: str
    distribution: str
    announced: Any  # a class, or a metric

    @property
    def needs(self) -> tuple[str, ...] | None:
        """The supervision that it declares; None for kinds that declare none."""
        needs = getattr(self.announced, "needs", None)
        return None if needs is None else tuple(sorted(needs))

    @property
    def paper(self) -> str:
        return getattr(self.announced, "paper", "")

    @property
    def golden(self) -> tuple[str, ...]:
        """The files of official numbers that its tests compare with."""
        names = getattr(self.announced, "golden", ())
        return names if isinstance(names, tuple) else ()


@dataclass(frozen=True)
class Broken:
    """A plugin that was set aside: the reason and, if its code failed, the traceback.

    ``optional``: it needs an extra that is not installed; nothing is wrong with it.
    """

    name: str
    distribution: str
    reason: str
    traceback: str
    optional: bool = False


def offers_of(manager: pluggy.PluginManager, plugin: str, distribution: str) -> tuple[Offer, ...]:
    """All offers of a registered plugin.

    Raises:
        ConfigError: it announces nothing, misspells a hook, a hook returns no mapping, or a class
            gives an inherited option another meaning.
        SupervisionError: a generator or refiner declares its needs wrongly, or not at all.
    """
    _check_hooks(manager.get_hookcallers(manager.get_plugin(plugin)) or [])
    offers = tuple(
        Offer(kind, name, plugin, distribution, announced)
        for kind in KINDS
        for hook in getattr(manager.hook, f"wsss_{kind}s").get_hookimpls()
        if hook.plugin_name == plugin
        for name, announced in _mapping(hook).items()
    )
    for offer in offers:
        owner = f"{offer.kind} '{offer.name}'"
        if offer.kind in DECLARING:
            check_needs(offer.needs, owner)
        if isinstance(offer.announced, type) and dataclasses.is_dataclass(offer.announced):
            check_inherited(offer.announced, owner)
    return offers


def _check_hooks(callers: list[pluggy.HookCaller]) -> None:
    hooks = [name for name in vars(hookspecs) if name.startswith("wsss_")]
    if not callers:
        raise ConfigError(
            "it announces nothing: none of its functions is a hook; mark one of "
            f"{', '.join(hooks)} with @hookimpl"
        )
    unknown = [caller.name for caller in callers if not caller.has_spec()]
    if unknown:
        raise ConfigError(f"no hook is called '{unknown[0]}'{did_you_mean(unknown[0], hooks)}")


def _mapping(hook: pluggy.HookImpl) -> Mapping[str, Any]:
    offered = hook.function()
    if not isinstance(offered, Mapping):
        raise ConfigError(
            f"its {hook.function.__name__} returned {type(offered).__name__}; return a dict, such "
            "as {'my_method': MyMethod}"
        )
    return offered


def methods(kind: str) -> dict[str, tuple[str, ...]]:
    """The methods that a kind of plugin must have, with their arguments; empty for metrics."""
    protocol = hookspecs.PROTOCOLS.get(kind, object)
    return {
        name: tuple(inspect.signature(member).parameters)[1:]
        for name, member in vars(protocol).items()
        if inspect.isfunction(member) and not name.startswith("_")
    }


def check_methods(instance: Any, kind: str, owner: str) -> None:
    """Raise PluginError unless an object has the methods of its kind, with their arguments."""
    for name, arguments in methods(kind).items():
        named = ("files",) if name == "load" and wanted_weights(instance) else ()
        if name == "load" and getattr(instance, "needs_train", False):
            arguments = (*arguments, "data")
        method = getattr(instance, name, None)
        call = f"{name}({', '.join((*arguments, *named))})"
        if not callable(method):
            raise PluginError(f"{owner} has no method {call}; see the contract reference")
        try:
            inspect.signature(method).bind(*arguments, **dict.fromkeys(named))
        except TypeError as error:
            raise PluginError(f"{owner} cannot be called as {call}: {error}") from None
        except ValueError:
            continue  # written in C, without a signature
