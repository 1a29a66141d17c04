"""From the keys of a suite to the fields of a dataclass, with errors that list what exists."""

import dataclasses
from collections.abc import Mapping
from contextlib import suppress
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from wsss_harness.contract.errors import OptionError, PluginError
from wsss_harness.contract.options import wrong_value
from wsss_harness.system.similar import did_you_mean


def construct(owner: str, cls: Any, options: Mapping[str, Any]) -> Any:
    """An object of the dataclass ``cls`` whose fields are ``options``.

    Raises:
        OptionError: an option is unknown, missing, without use or of the wrong type; it names
            ``owner``.
    """
    fields = {f.name: f for f in dataclasses.fields(cls) if f.init}
    unknown = [name for name in options if name not in fields]
    if unknown:
        name = unknown[0]
        raise OptionError(f"{owner} has no option '{name}'{did_you_mean(name, fields)}", name)
    for name, reason in unused(cls, options).items():
        if name in options:
            problem = f"has no use: {reason}; take it out"
            raise OptionError(f"option '{name}' of {owner} {problem}", name, problem)
    missing = [name for name, f in fields.items() if name not in options and _required(f)]
    if missing:
        raise OptionError(f"{owner} needs the option '{missing[0]}'", missing[0])
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
        return _nested(owner, name, nested[0], value)
    if annotation not in (int, float) or not isinstance(value, bool | str):
        with suppress(ValidationError):
            return TypeAdapter(annotation).validate_python(value)
    expected = expected_of(annotation)
    if str in (annotation, *get_args(annotation)) and not isinstance(value, list | Mapping):
        expected += f""", in quotes: {name} = "{value}", or --set '...{name}="{value}"'"""
    raise wrong_value(owner, name, value, expected)


def _nested(owner: str, name: str, cls: Any, options: Mapping[str, Any]) -> Any:
    try:
        return construct(f"option '{name}' of {owner}", cls, options)
    except OptionError as error:
        error.option = f"{name}.{error.option}"
        raise


WORDS = {int: "a whole number", float: "a number", bool: "true or false", str: "text"}


def expected_of(annotation: Any) -> str:
    """The values that a type stands for, in words."""
    if annotation in WORDS:
        return WORDS[annotation]
    parts = [part for part in get_args(annotation) if part not in (type(None), ...)]
    match get_origin(annotation):
        case origin if origin is Literal:
            return f"one of {', '.join(map(repr, parts))}"
        case origin if origin in (Union, UnionType):
            return " or ".join(map(expected_of, parts))
        case origin if origin in (tuple, list):
            return "a list of " + ", ".join(dict.fromkeys(map(expected_of, parts)))
    return getattr(annotation, "__name__", str(annotation))
