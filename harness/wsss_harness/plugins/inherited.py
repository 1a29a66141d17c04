"""Options that a plugin inherits from the harness or from another plugin keep their meaning."""

import dataclasses
from collections.abc import Iterator
from functools import cache
from typing import Any, get_type_hints

from wsss_harness.contract.errors import ConfigError
from wsss_harness.plugins.options import describe


def check_inherited(announced: Any, owner: str) -> None:
    """Refuse a class that gives an inherited option another meaning.

    It may declare one again to give it another default, with the same type. The base class goes on
    reading the option in its fit, so no subclass may say that it does not count there.

    Raises:
        ConfigError: it names the option, the class that has it, and what to do.
    """
    for name, base in inherited(announced):
        if problem := _problem(announced, base, name):
            raise ConfigError(
                f"{owner}: {announced.__name__} {problem}, but '{name}' is an option of "
                f"{base.__name__} with a meaning of its own; rename yours, or change only the "
                "default"
            )


def _problem(announced: Any, base: Any, name: str) -> str | None:
    """How the class gives an option of ``base`` another meaning, as words that follow its name."""
    again = name in redeclared(announced)
    late, idle = (
        name in getattr(announced, attribute, ()) and name not in getattr(base, attribute, ())
        for attribute in ("at_inference", "idle")
    )
    if idle or (again and late):
        return f"names '{name}' in {'idle' if idle else 'at_inference'}"
    if again and not _same_type(announced, base, name):
        return f"declares '{name}' again with another type"
    if not again and any(name in vars(cls) for cls in _own(announced)):
        return f"has '{name}' without a type"
    return None


def new_defaults(announced: Any) -> list[str]:
    """The inherited options that a class declares again, with their defaults."""
    again = redeclared(announced)
    options = {field.name: field for field in dataclasses.fields(announced) if field.init}
    return [describe(options[n]) for n, _ in inherited(announced) if n in again and n in options]


def inherited(announced: Any) -> Iterator[tuple[str, Any]]:
    """Each option that a base class in another package has, with the nearest such class."""
    others = [base for base in announced.__mro__ if _package(base) != _package(announced)]
    bases = [base for base in others if dataclasses.is_dataclass(base)]
    for name in dict.fromkeys(f.name for base in bases for f in dataclasses.fields(base)):
        yield name, next(base for base in bases if name in base.__dataclass_fields__)


def redeclared(announced: Any) -> set[str]:
    """The fields that the class, or a base of its own package, annotates."""
    return {name for cls in _own(announced) for name in vars(cls).get("__annotations__", ())}


def _own(announced: Any) -> list[Any]:
    return [base for base in announced.__mro__ if _package(base) == _package(announced)]


def _package(cls: Any) -> str:
    return str(cls.__module__).partition(".")[0]


def _same_type(announced: Any, base: Any, name: str) -> bool:
    """Whether both annotations mean the same; a name that cannot be looked up is an error later."""
    try:
        return bool(_types(announced)[name] == _types(base)[name])
    except Exception:
        return True


@cache
def _types(cls: Any) -> dict[str, Any]:
    return get_type_hints(cls)
