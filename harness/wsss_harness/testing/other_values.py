"""Another value for an option, of the same type and accepted by its plugin."""

import dataclasses
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any, Literal, get_args, get_origin, get_type_hints

from wsss_harness.plugins.offers import Offer
from wsss_harness.plugins.registry import installed


def other_values(offer: Offer, options: Mapping[str, Any], names: set[str]) -> dict[str, Any]:
    """Another value, as JSON, of each option for which one is found; a text has no other value."""
    plugins, types, chosen = installed(), get_type_hints(offer.announced), dict[str, Any]()
    before = plugins.build(offer.kind, offer.name, options)
    for name in sorted(names):
        for value in values_like(getattr(before, name), types[name]):
            with suppress(Exception):  # whatever the plugin checks
                other = plain(value)
                plugins.build(offer.kind, offer.name, {**options, **chosen, name: other})
                chosen[name] = other
                break
    return chosen


def values_like(value: Any, annotation: Any = None) -> Iterator[Any]:
    """Values of the type of ``value`` that are not equal to it, likely ones first."""
    parts = (annotation, *get_args(annotation))
    choices = [c for part in parts if get_origin(part) is Literal for c in get_args(part)]
    yield from (choice for choice in choices if choice != value)
    if isinstance(value, bool):
        yield not value
    elif isinstance(value, int):
        yield from (value + 1, value - 1, 2 * value)
    elif isinstance(value, float):
        yield from (value / 2, value + 0.5)
    elif isinstance(value, tuple | list) and value:
        yield from ((other, *value[1:]) for other in values_like(value[0]))
        yield (*value, value[-1])
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        yield from _objects_like(value)
    elif value is None and {int, float} & set(parts):
        yield 1


def _objects_like(value: Any) -> Iterator[Any]:
    """The object with another value in one of its fields."""
    types = get_type_hints(type(value))
    for field in dataclasses.fields(value):
        for other in values_like(getattr(value, field.name), types[field.name]):
            with suppress(Exception):  # whatever the object checks
                yield dataclasses.replace(value, **{field.name: other})


def plain(value: Any) -> Any:
    """The value as a suite would have it."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return dataclasses.asdict(value)
    return list(value) if isinstance(value, tuple) else value
