"""Readable names of stages: kind, name, seed, and the options that tell similar stages apart."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from wsss_harness.store.stage import Stage

Options = Mapping[str, Any]
SEED = "seed"
SHOWN = 2  # options in a name; more where two names would be equal


def names(stages: Sequence[Stage]) -> dict[str, str]:
    """The name of each stage by its key, as ``fit cam (seed 0, iterations 400)``.

    Stages of one kind and name with the same inputs show options in which they differ.
    """
    groups: dict[tuple[object, ...], list[Stage]] = {}
    for stage in stages:
        position = (stage.kind, stage.name, *(needed.key for needed in stage.inputs.values()))
        groups.setdefault(position, []).append(stage)
    return {key: name for group in groups.values() for key, name in _named(group)}


def _named(stages: Sequence[Stage]) -> Iterator[tuple[str, str]]:
    options = [_flat(stage.options) for stage in stages]
    every = dict.fromkeys(name for values in options for name in values if name != SEED)
    differing = [name for name in every if len({values.get(name) for values in options}) > 1]
    count = next(
        (n for n in range(SHOWN, len(differing)) if _differ(options, differing[:n])), len(differing)
    )
    for stage, values in zip(stages, options, strict=True):
        shown = [name for name in (SEED, *differing[:count]) if name in values]
        words = ", ".join(f"{name} {values[name]}" for name in shown)
        yield stage.key, f"{stage.kind} {stage.name}" + (f" ({words})" if words else "")


def _differ(options: Sequence[Options], names: Sequence[str]) -> bool:
    """Whether the seed and these options tell all stages apart."""
    seen = {tuple(values.get(name) for name in (SEED, *names)) for values in options}
    return len(seen) == len(options)


def _flat(options: Options, prefix: str = "") -> dict[str, str]:
    """Options by dotted name, with readable values."""
    flat: dict[str, str] = {}
    for name, value in options.items():
        if isinstance(value, Mapping):
            flat |= _flat(value, f"{prefix}{name}.")
        else:
            flat[f"{prefix}{name}"] = value if isinstance(value, str) else json.dumps(value)
    return flat
