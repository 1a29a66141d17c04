"""What a fit may read of its plugin: no option that its key leaves out.

The key of a fit has no options that ``at_inference`` names, so that two values share one fitted
stage. ``for_fit`` gives a copy of the plugin that was never told them: reading one is an error,
and what ``__post_init__`` made of it was made of its default.
"""

import dataclasses
from collections.abc import Collection, Mapping
from functools import cache, cached_property
from typing import Any, TypeVar

from wsss_harness.contract.errors import PluginError
from wsss_harness.plugins.options import divided

Plugin = TypeVar("Plugin")


def for_fit(plugin: Plugin, owner: str) -> Plugin:
    """A copy of ``plugin`` in which the options of later stages cannot be read.

    ``owner`` is what errors call it. Other attributes cost no more to read than before.

    Raises:
        PluginError: the copy would lose what the plugin made of an option without a default.
    """
    _, late = divided(plugin)
    if not late:
        return plugin
    base: Any = type(plugin)
    cls = _guarded(base, tuple(sorted(late)), owner)
    copy = _built(cls, plugin, late)
    if copy is None:
        _refuse_lost(plugin, owner, sorted(late))
        copy = cls.__new__(cls)
    for name in late:
        vars(copy).pop(name, None)
    _set(copy, {name: getattr(plugin, name) for name in _fields(plugin) if name not in late})
    guarded: Plugin = copy
    return guarded


def _built(cls: Any, plugin: Any, late: Collection[str]) -> Any:
    """A plugin of the options that a fit may read; None if the defaults of others do not fit."""
    names = [field.name for field in dataclasses.fields(plugin) if field.init]
    try:
        return cls(**{name: getattr(plugin, name) for name in names if name not in late})
    except Exception:  # whatever the plugin checks
        return None


def _refuse_lost(plugin: Any, owner: str, late: list[str]) -> None:
    kept = set(getattr(plugin, "__dict__", ())) - set(_fields(plugin))
    cached = {name for name in kept if isinstance(getattr(type(plugin), name, 0), cached_property)}
    if lost := sorted(kept - cached):
        raise PluginError(
            f"{owner} keeps '{lost[0]}', which may be made of an option in its at_inference "
            f"({', '.join(late)}), and its fit could read it there; give that option a default "
            "with which it can be built, or make what is kept when it is needed"
        )


@cache
def _guarded(cls: Any, late: tuple[str, ...], owner: str) -> Any:
    """A subclass whose options ``late`` can be read only where they were set by the fit itself."""
    members: dict[str, Any] = {name: _hidden(name, owner) for name in late}
    members |= {
        "__reduce__": lambda self: (_rebuilt, (cls, late, owner, vars(self) | _readable(self))),
        "__repr__": lambda self: f"{cls.__qualname__}({_readable(self)})",
        "__eq__": lambda a, b: type(a) is type(b) and _readable(a) == _readable(b),
        "__hash__": lambda self: hash(tuple(_readable(self).items())),
        "__module__": cls.__module__,
        "__qualname__": cls.__qualname__,
        "__doc__": cls.__doc__,
        "_late": late,
    }
    return type(cls)(cls.__name__, (cls,), members)


def _hidden(name: str, owner: str) -> property:
    """A property is found before the attributes of the object, and slows down no other one."""

    def read(self: Any) -> Any:
        if name in vars(self):
            return vars(self)[name]
        raise PluginError(
            f"the fit of {owner} read the option '{name}', which its at_inference names: two "
            "values would share one fit; take it out of at_inference, or read it in load "
            "(asdict and replace read every option)"
        )

    def write(self: Any, value: Any) -> None:
        vars(self)[name] = value

    return property(read, write)


def _rebuilt(cls: Any, late: tuple[str, ...], owner: str, values: Mapping[str, Any]) -> Any:
    """The copy in another process."""
    guarded = _guarded(cls, late, owner)
    copy = guarded.__new__(guarded)
    _set(copy, values)
    return copy


def _set(copy: Any, values: Mapping[str, Any]) -> None:
    for name, value in values.items():
        object.__setattr__(copy, name, value)  # a frozen dataclass has no other way


def _readable(copy: Any) -> dict[str, Any]:
    """The fields that may be read."""
    names = [name for name in _fields(copy) if name not in copy._late or name in vars(copy)]
    return {name: getattr(copy, name) for name in names}


def _fields(plugin: Any) -> list[str]:
    return [field.name for field in dataclasses.fields(plugin)]
