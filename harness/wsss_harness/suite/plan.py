"""What a run of a suite would do: which stages are finished, which are to be made, and why."""

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
from wsss_harness.suite.estimates import estimated
from wsss_harness.suite.rows import RowStages
from wsss_harness.suite.schedule import Schedule

Manifest = Mapping[str, Any]
ANOTHER = "another "  # begins a reason: an input is a different stage


@dataclass(frozen=True)
class Planned:
    """A stage of a plan.

    ``rows``: how many rows use it, each seed counted. ``reasons``: why it is to be made, the most
    important first; empty if it is finished. ``seconds``, ``bytes``: what it would take by earlier
    stages of this kind and name, None if none of them tells. ``needed``: False if everything that
    uses it is finished.
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
    """All stages of some rows, each once, inputs first."""

    stages: tuple[Planned, ...]

    @cached_property
    def to_do(self) -> tuple[Planned, ...]:
        return tuple(planned for planned in self.stages if planned.needed and not planned.done)

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


def plan(
    rows: Iterable[RowStages],
    others: Iterable[Stage],
    store: Store,
    images: Mapping[str, int] | None = None,
) -> Plan:
    """The plan of some rows and of stages that belong to no row; nothing is made or changed.

    ``images``: how many each split has, if the data is there.
    """
    stages: dict[str, Stage] = {}
    uses: Counter[str] = Counter()
    targets = [*others]
    for row in rows:
        targets += row.targets
        for stage in upstream(*row.targets):
            stages.setdefault(stage.key, stage)
            uses[stage.key] += 1
    for stage in upstream(*others):
        stages.setdefault(stage.key, stage)
    earlier, needed = Earlier(store, images), Schedule(targets, store.done).remaining
    return Plan(
        tuple(_planned(stage, uses[key], key in needed, earlier) for key, stage in stages.items())
    )


def _planned(stage: Stage, rows: int, needed: bool, earlier: "Earlier") -> Planned:
    if earlier.store.done(stage):
        return Planned(stage, rows)
    seconds, size = earlier.cost(stage)
    return Planned(stage, rows, earlier.reasons(stage), seconds, size, needed)


class Earlier:
    """What a store knows about earlier stages of the same kind and name."""

    def __init__(self, store: Store, images: Mapping[str, int] | None) -> None:
        self.store = store
        self.images = images
        self._manifests: dict[tuple[str, str], tuple[Manifest, ...]] = {}

    def manifests(self, stage: Stage) -> tuple[Manifest, ...]:
        """The manifests of all finished stages of the kind and name, the newest first."""
        place = (stage.kind, stage.name)
        if place not in self._manifests:
            self._manifests[place] = tuple(_manifests(self.store.folder(stage)))
        return self._manifests[place]

    def reasons(self, stage: Stage) -> tuple[str, ...]:
        """Why a stage is to be made: how it differs from the most similar finished stage."""
        folder = self.store.folder(stage)
        if (folder / MANIFEST).is_file():
            return (self._damage(stage),)
        if folder.is_dir():
            return ("started, not finished",)
        differences = [changes(manifest["recipe"], stage) for manifest in self.manifests(stage)]
        return min(differences, key=len, default=("never made",))

    def _damage(self, stage: Stage) -> str:
        try:
            missing = self.store.missing(stage)
        except DataError as error:
            return str(error)
        return f"{missing[0]} is missing" + (f", {len(missing) - 1} more" if missing[1:] else "")

    def cost(self, stage: Stage) -> tuple[float | None, int | None]:
        """The median seconds and bytes by all that were made without an interruption."""
        whole = (m for m in self.manifests(stage) if not m["cost"]["continued"])
        costs = [cost for m in whole if (cost := estimated(m, stage, self.images)) is not None]
        if not costs:
            return None, None
        return median(seconds for seconds, _ in costs), round(median(size for _, size in costs))


def _manifests(folder: Path) -> Iterator[Manifest]:
    """The manifests of the stages that differ from this one in the key alone, newest first."""
    name, _ = name_and_key(folder)
    similar = [path for path in folder.parent.glob(f"{name}-*") if name_and_key(path)[0] == name]
    finished = [path / MANIFEST for path in similar if (path / MANIFEST).is_file()]
    for path in sorted(finished, key=lambda path: path.stat().st_mtime, reverse=True):
        with contextlib.suppress(DataError):  # reported to whoever needs that stage
            yield read_manifest(path.parent)


def changes(recipe: Manifest, stage: Stage) -> tuple[str, ...]:
    """How a stage differs from a recipe: options, then seed, source code, data, other inputs."""
    now = stage.recipe
    differences = list(_options(recipe["options"], now["options"]))
    differences.sort(key=lambda change: change.startswith("seed "))
    differences += [f"source of {name}" for name in _different(recipe["code"], now["code"])]
    inputs = sorted(_different(recipe["inputs"], now["inputs"]), key=lambda name: name != "data")
    differences += [f"{ANOTHER}{_title(stage, name)}" for name in inputs]
    return tuple(differences) or ("its record was edited",)


def _title(stage: Stage, name: str) -> str:
    return stage.inputs[name].title if name in stage.inputs else name


def _different(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    return [name for name in sorted({*old, *new}) if old.get(name) != new.get(name)]


def _options(old: Mapping[str, Any], new: Mapping[str, Any], path: str = "") -> Iterator[str]:
    """Each changed option as ``name: before -> after``, dotted where options have options."""
    new = json.loads(json.dumps(new))  # as in a manifest, where tuples are lists
    for name in _different(old, new):
        before, after = old.get(name), new.get(name)
        if isinstance(before, Mapping) and isinstance(after, Mapping):
            yield from _options(before, after, f"{path}{name}.")
        elif name == "seed" and not path:
            yield f"seed {before} -> {after}"
        else:
            yield f"{path}{name}: {_short(before)} -> {_short(after)}"


def flat(options: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested options by their dotted path."""
    flattened: dict[str, Any] = {}
    for name, value in options.items():
        inner = isinstance(value, Mapping) and value
        flattened |= flat(value, f"{prefix}{name}.") if inner else {f"{prefix}{name}": value}
    return flattened


def _short(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= 40 else text[:37] + "..."
