"""From the keys of a suite to the fields of a dataclass, with errors that list what exists."""

import dataclasses
from collections.abc import Mapping
from typing import Any, get_args, get_type_hints

from wsss_harness.contract.errors import ConfigError, PluginError


def construct(owner: str, cls: Any, options: Mapping[str, Any]) -> Any:
    """An object of the dataclass ``cls`` whose fields are ``options``.

    Raises:
        ConfigError: an option is unknown, missing, without use or of the wrong type; it names
            ``owner``.
    """
    fields = {f.name: f for f in dataclasses.fields(cls) if f.init}
    unknown = [name for name in options if name not in fields]
    if unknown:
        described = ", ".join(describe(f) for f in fields.values()) or "none"
        raise ConfigError(f"{owner} has no option '{unknown[0]}'. Its options: {described}")
    for name, reason in unused(cls, options).items():
        if name in options:
            raise ConfigError(f"{owner} has no use for its option '{name}': {reason}; take it out")
    missing = [name for name, f in fields.items() if name not in options and _required(f)]
    if missing:
        raise ConfigError(f"{owner} needs the option '{missing[0]}'")
    types = get_type_hints(cls)
    return cls(**{n: _checked(owner, n, value, types[n]) for n, value in options.items()})


def names(cls: Any) -> tuple[str, ...]:
    return tuple(f.name for f in dataclasses.fields(cls) if f.init)


def unused(cls: Any, options: Mapping[str, Any]) -> Mapping[str, str]:
    """The options that ``cls`` has no use for beside ``options``, and why."""
    reasons = getattr(cls, "unused", None)
    return reasons(options) if callable(reasons) else {}


def divided(instance: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """The options of a plugin's object that decide its fit, and those that only loading looks at.

    Those that decide nothing, ``idle``, are in neither.

    Raises:
        PluginError: ``at_inference`` or ``idle`` names what is no option.
    """
    options = dataclasses.asdict(instance)
    late, idle = (_named(instance, attribute, options) for attribute in ("at_inference", "idle"))
    return (
        {name: value for name, value in options.items() if name not in late | idle},
        {name: value for name, value in options.items() if name in late - idle},
    )


def _named(instance: Any, attribute: str, options: Mapping[str, Any]) -> set[str]:
    named = set(getattr(instance, attribute, ()))
    unknown = sorted(named - set(options))
    if unknown:
        raise PluginError(
            f"{type(instance).__name__} names '{unknown[0]}' in {attribute}, which is no option of "
            f"it; its options: {', '.join(options)}"
        )
    return named


def describe(field: dataclasses.Field[Any]) -> str:
    """An option with its default, if it has one."""
    if _required(field):
        return field.name
    factory = field.default_factory
    default = field.default if factory is dataclasses.MISSING else factory()
    return f"{field.name} = {default!r}"


def _required(field: dataclasses.Field[Any]) -> bool:
    return field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING


def _checked(owner: str, name: str, value: Any, annotation: Any) -> Any:
    """``value`` as the type that is wanted: a list becomes a tuple, a whole number a float.

    A table for options that have options of their own becomes their dataclass.
    """
    from pydantic import TypeAdapter, ValidationError

    nested = [t for t in (annotation, *get_args(annotation)) if dataclasses.is_dataclass(t)]
    if nested and isinstance(value, Mapping):
        return construct(f"option '{name}' of {owner}", nested[0], value)

    plain = None if get_args(annotation) else getattr(annotation, "__name__", None)
    expected = plain or str(annotation)
    if str in (annotation, *get_args(annotation)) and not isinstance(value, list | Mapping):
        expected += f""", in quotes: {name} = "{value}", or --set '...{name}="{value}"'"""
    problem = ConfigError(f"option '{name}' of {owner} is {value!r}; expected {expected}")
    if annotation in (int, float) and isinstance(value, bool | str):
        raise problem
    try:
        return TypeAdapter(annotation).validate_python(value)
    except ValidationError:
        raise problem from None
