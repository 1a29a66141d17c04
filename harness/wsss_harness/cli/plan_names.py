"""What people call the stages of a plan: kind and name, the seed, and what tells twins apart."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from wsss_harness.store.stage import Stage

Options = Mapping[str, Any]
SEED = "seed"
TOLD = 2  # options of a twin that are told, or more until no two names are equal


def names(stages: Sequence[Stage]) -> dict[str, str]:
    """The name of each stage by its key, as ``fit cam (seed 0, iterations 400)``.

    Twins are stages of one kind and name with the same inputs; options in which they differ are
    told.
    """
    twins: dict[tuple[object, ...], list[Stage]] = {}
    for stage in stages:
        place = (stage.kind, stage.name, *(one.key for one in stage.inputs.values()))
        twins.setdefault(place, []).append(stage)
    return {key: name for group in twins.values() for key, name in _named(group)}


def _named(twins: Sequence[Stage]) -> Iterator[tuple[str, str]]:
    options = [_flat(stage.options) for stage in twins]
    every = dict.fromkeys(name for one in options for name in one if name != SEED)
    apart = [name for name in every if len({one.get(name) for one in options}) > 1]
    many = next((n for n in range(TOLD, len(apart)) if _differ(options, apart[:n])), len(apart))
    for stage, one in zip(twins, options, strict=True):
        told = [name for name in (SEED, *apart[:many]) if name in one]
        words = ", ".join(f"{name} {one[name]}" for name in told)
        yield stage.key, f"{stage.kind} {stage.name}" + (f" ({words})" if words else "")


def _differ(options: Sequence[Options], names: Sequence[str]) -> bool:
    """Whether these options, with the seed, tell all of them apart."""
    seen = {tuple(one.get(name) for name in (SEED, *names)) for one in options}
    return len(seen) == len(options)


def _flat(options: Options, place: str = "") -> dict[str, str]:
    """Options by dotted name, as people read them."""
    found: dict[str, str] = {}
    for name, value in options.items():
        if isinstance(value, Mapping):
            found |= _flat(value, f"{place}{name}.")
        else:
            found[f"{place}{name}"] = value if isinstance(value, str) else json.dumps(value)
    return found
