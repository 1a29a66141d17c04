"""Plugins of another environment: asked there what they are, and shown here by stand-ins."""

import atexit
import contextlib
import dataclasses
import tempfile
from collections.abc import Callable, Collection, Iterator, Mapping
from functools import cache, partial
from typing import Any, TypeVar

from wsss_harness.contract.errors import PluginError, WorkerDied, WsssError
from wsss_harness.plugins import options as plugin_options
from wsss_harness.plugins.environments import Environment, started
from wsss_harness.plugins.offers import Offer
from wsss_harness.plugins.registry import Plugins, installed
from wsss_harness.system.interpreters import Interpreter

Result = TypeVar("Result")
Description = Mapping[str, Any]


def plugins_at(plugins: Plugins, environment: Environment | None) -> "Plugins | PluginsElsewhere":
    """The plugins of an environment; None is that of this process."""
    return plugins if environment is None else PluginsElsewhere(environment)


@dataclasses.dataclass(frozen=True)
class PluginsElsewhere:
    """The plugins of another environment, of which some may be installed only there.

    Options are checked there, by the plugin itself.
    """

    environment: Environment

    def find(self, kind: str, name: str) -> Offer:
        """The offer of this name, which announces a stand-in for its class."""
        return _offer(self.environment, kind, name)

    def dataclass_of(self, kind: str, name: str) -> Any:
        """A stand-in for a class: its options by name, and what it declares."""
        return self.find(kind, name).announced

    def build(self, kind: str, name: str, options: Mapping[str, Any]) -> Any:
        """A stand-in for an object: its options, and what it declares; it becomes one there.

        Raises:
            ConfigError, PluginError: as ``Plugins.build``, and if the environment cannot be used.
        """
        description = call(self.environment, describe_built, kind, name, options)
        own = {"__reduce__": lambda _: (rebuilt, (kind, name, options))}
        if (identity := description["identity"]) is not None:
            own["identity"] = lambda _: identity
        values = description["values"]
        return _dataclass(self.environment, description, values, own)(**values)


def rebuilt(kind: str, name: str, options: Mapping[str, Any]) -> Any:
    """What a stand-in becomes in the environment of its plugin."""
    return installed().build(kind, name, options)


# Stand-ins


@cache
def _offer(environment: Environment, kind: str, name: str) -> Offer:
    description = call(environment, describe, kind, name)
    ask = staticmethod(partial(call, environment, find_unused, kind, name))
    own = {"unused": ask} if "unused" in description["methods"] else {}
    cls = _dataclass(environment, description, description["fields"], own)
    return Offer(kind, name, description["plugin"], description["distribution"], cls)


def _dataclass(
    environment: Environment,
    description: Description,
    fields: Collection[str],
    own: Mapping[str, Any],
) -> Any:
    methods = {name: _refused(environment, name) for name in description["methods"]}
    return dataclasses.make_dataclass(
        description["name"],
        [(name, Any) for name in fields],
        namespace={**description["traits"], **methods, **own},
        frozen=True,
    )


def _refused(environment: Environment, name: str) -> Callable[..., Any]:
    def refuse(*_: Any, **__: Any) -> Any:
        raise PluginError(environment.error(f"'{name}' of its plugins can be called only there"))

    return refuse


# Asking


_asked: dict[Environment, Interpreter] = {}  # processes that answer, until they are idle


def call(environment: Environment, function: Callable[..., Result], *arguments: Any) -> Result:
    """What a function of the harness returns in an environment, for questions that take no time.

    Raises:
        ConfigError: the environment cannot be used.
        WsssError: what the function raised; the message names the environment.
    """
    process = _asked.get(environment)
    with blaming(environment):
        if process is not None and process.alive:
            with contextlib.suppress(WorkerDied):  # just now, as it was idle for too long
                return process.call(function, *arguments)
    process = _process(environment)
    with blaming(environment):
        return process.call(function, *arguments)


def _process(environment: Environment) -> Interpreter:
    if environment in _asked:
        _asked.pop(environment).close()
    with tempfile.TemporaryFile() as log:
        process = _asked[environment] = started(environment, log)
    return process


@atexit.register
def end_all() -> None:
    """End the processes that answer."""
    while _asked:
        _asked.popitem()[1].close()


@contextlib.contextmanager
def blaming(environment: Environment) -> Iterator[None]:
    """Name the environment in the errors of the body."""
    try:
        yield
    except WsssError as error:
        raise type(error)(environment.error(error)) from error


# Answering, in the environment


def describe(kind: str, name: str) -> Description:
    """Who offers a class, what it declares, and the names of its options and methods."""
    offer, cls = installed().find(kind, name), installed().dataclass_of(kind, name)
    source = {"plugin": offer.plugin, "distribution": offer.distribution}
    fields = plugin_options.names(cls)
    return {"name": cls.__name__, "fields": fields, **source, **_members(cls, fields)}


def describe_built(kind: str, name: str, options: Mapping[str, Any]) -> Description:
    """What an object declares, and the values of its options."""
    plugin = installed().build(kind, name, options)
    values = dataclasses.asdict(plugin)
    identity = plugin.identity() if hasattr(plugin, "identity") else None
    members = _members(plugin, values)
    return {"name": type(plugin).__name__, "values": values, "identity": identity, **members}


def find_unused(kind: str, name: str, options: Mapping[str, Any]) -> dict[str, str]:
    """Options without use; see ``options.unused``."""
    return dict(plugin_options.unused(installed().dataclass_of(kind, name), options))


def _members(plugin: Any, fields: Collection[str]) -> dict[str, Any]:
    """The public attributes that are plain values, and the names of those that can be called."""
    traits: dict[str, Any] = {}
    methods = []
    for name in dir(plugin):
        value = None if name[0] == "_" or name in fields else getattr(plugin, name, None)
        if callable(value):
            methods.append(name)
        elif value is not None and _is_plain(value):
            traits[name] = value
    return {"traits": traits, "methods": methods}


def _is_plain(value: Any) -> bool:
    if isinstance(value, dict):
        return all(map(_is_plain, [*value, *value.values()]))
    if isinstance(value, tuple | list | set | frozenset):
        return all(map(_is_plain, value))
    return isinstance(value, str | int | float | None)
