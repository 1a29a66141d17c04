"""What a run of a suite would do: which stages are there, which are to be made, and why."""

import contextlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from statistics import median
from typing import Any

from wsss_harness.contract.errors import DataError
from wsss_harness.store.layout import name_and_key
from wsss_harness.store.manifest import MANIFEST, read_manifest
from wsss_harness.store.stage import Stage, upstream
from wsss_harness.store.store import Store
from wsss_harness.suite.rows import RowStages
from wsss_harness.suite.schedule import Schedule

Manifest = Mapping[str, Any]
ANOTHER = "another "  # begins a reason: another stage than before comes before this one


@dataclass(frozen=True)
class Planned:
    """A stage of a plan. ``reasons`` why it is to be made, the first one first; none if it is done.

    ``rows``: how many rows use it, each seed counted. ``seconds`` and ``bytes`` are what earlier
    stages of this kind and name took, None where there is none. ``needed`` is false where all that
    it is for is done without it.
    """

    stage: Stage
    rows: int
    reasons: tuple[str, ...] = ()
    seconds: float | None = None
    bytes: int | None = None
    needed: bool = True

    @property
    def done(self) -> bool:
        return not self.reasons


@dataclass(frozen=True)
class Plan:
    """All stages of some rows, each once, what is needed before what needs it."""

    stages: tuple[Planned, ...]

    @cached_property
    def to_do(self) -> tuple[Planned, ...]:
        return tuple(one for one in self.stages if one.needed and not one.done)

    @property
    def shared(self) -> int:
        """How many stages more than one row uses."""
        return sum(planned.rows > 1 for planned in self.stages)

    def json(self) -> dict[str, Any]:
        return {
            "stages": [_entry(planned) for planned in self.stages],
            "done": sum(planned.done for planned in self.stages),
            "to_do": len(self.to_do),
            "shared": self.shared,
            "seconds": sum(planned.seconds or 0 for planned in self.to_do),
            "bytes": sum(planned.bytes or 0 for planned in self.to_do),
            "unknown": sum(planned.seconds is None for planned in self.to_do),
        }


def _entry(planned: Planned) -> dict[str, Any]:
    stage = planned.stage
    return {
        "key": stage.key,
        "title": stage.title,
        "inputs": {name: needed.key for name, needed in stage.inputs.items()},
        "rows": planned.rows,
        "done": planned.done,
        "needed": planned.needed,
        "reasons": list(planned.reasons),
        "seconds": planned.seconds,
        "bytes": planned.bytes,
    }


def plan(rows: Iterable[RowStages], beside: Iterable[Stage], store: Store) -> Plan:
    """The plan of some rows, and of stages beside them; nothing is made or changed."""
    stages: dict[str, Stage] = {}
    uses: Counter[str] = Counter()
    targets = [*beside]
    for row in rows:
        targets += row.targets
        for stage in upstream(*row.targets):
            stages.setdefault(stage.key, stage)
            uses[stage.key] += 1
    for stage in upstream(*beside):
        stages.setdefault(stage.key, stage)
    earlier, needed = Earlier(store), Schedule(targets, store.done).left
    planned = (_planned(one, uses[key], key in needed, earlier) for key, one in stages.items())
    return Plan(tuple(planned))


def _planned(stage: Stage, rows: int, needed: bool, earlier: "Earlier") -> Planned:
    if earlier.store.done(stage):
        return Planned(stage, rows)
    seconds, size = earlier.cost(stage)
    return Planned(stage, rows, earlier.reasons(stage), seconds, size, needed)


class Earlier:
    """What a store knows of stages of the same kind and name."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self._found: dict[tuple[str, str], tuple[Manifest, ...]] = {}

    def manifests(self, stage: Stage) -> tuple[Manifest, ...]:
        """The manifests of all finished stages of the kind and name, the newest first."""
        place = (stage.kind, stage.name)
        if place not in self._found:
            self._found[place] = tuple(_manifests(self.store.folder(stage)))
        return self._found[place]

    def reasons(self, stage: Stage) -> tuple[str, ...]:
        """Why a stage is to be made: how it differs from the finished stage most like it."""
        folder = self.store.folder(stage)
        if (folder / MANIFEST).is_file():
            return (self._damage(stage),)
        if folder.is_dir():
            return ("begun and not finished",)
        found = [changes(manifest["recipe"], stage) for manifest in self.manifests(stage)]
        return min(found, key=len, default=("never made",))

    def _damage(self, stage: Stage) -> str:
        try:
            gone = self.store.missing(stage)
        except DataError as error:
            return str(error)
        return f"{gone[0]} is gone" + (f", {len(gone) - 1} more" if gone[1:] else "")

    def cost(self, stage: Stage) -> tuple[float | None, int | None]:
        """The median of seconds and of bytes, of stages that were not killed on their way."""
        costs = [manifest["cost"] for manifest in self.manifests(stage)]
        whole = [cost for cost in costs if not cost["continued"]]
        if not whole:
            return None, None
        seconds = median(cost["wall_seconds"] for cost in whole)
        return seconds, round(median(cost["bytes"] for cost in whole))


def _manifests(folder: Path) -> Iterator[Manifest]:
    """The manifests beside a stage's folder whose name differs in the key alone."""
    name, _ = name_and_key(folder)
    beside = [path for path in folder.parent.glob(f"{name}-*") if name_and_key(path)[0] == name]
    finished = [path / MANIFEST for path in beside if (path / MANIFEST).is_file()]
    for path in sorted(finished, key=lambda path: path.stat().st_mtime, reverse=True):
        with contextlib.suppress(DataError):  # whoever needs that one is told
            yield read_manifest(path.parent)


def changes(recipe: Manifest, stage: Stage) -> tuple[str, ...]:
    """How a stage differs from a recipe: options, then seed, source, data, what comes before."""
    now = stage.recipe
    found = list(_options(recipe["options"], now["options"]))
    found.sort(key=lambda change: change.startswith("seed "))
    found += [f"source of {name}" for name in _different(recipe["code"], now["code"])]
    inputs = sorted(_different(recipe["inputs"], now["inputs"]), key=lambda name: name != "data")
    found += [f"{ANOTHER}{_title(stage, name)}" for name in inputs]
    return tuple(found) or ("its record was changed by hand",)


def _title(stage: Stage, name: str) -> str:
    return stage.inputs[name].title if name in stage.inputs else name


def _different(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    return [name for name in sorted({*old, *new}) if old.get(name) != new.get(name)]


def _options(old: Mapping[str, Any], new: Mapping[str, Any], place: str = "") -> Iterator[str]:
    """Each changed option as ``name: before -> after``, dotted where options have options."""
    new = json.loads(json.dumps(new))  # as the manifest has it: tuples are lists there
    for name in _different(old, new):
        before, after = old.get(name), new.get(name)
        if isinstance(before, Mapping) and isinstance(after, Mapping):
            yield from _options(before, after, f"{place}{name}.")
        elif name == "seed" and not place:
            yield f"seed {before} -> {after}"
        else:
            yield f"{place}{name}: {_short(before)} -> {_short(after)}"


def _short(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= 40 else text[:37] + "..."
