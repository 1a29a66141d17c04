"""Notes in the folder of a stage: which shards were begun, and what each one cost."""

import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from wsss_harness.store.layout import lock_of
from wsss_harness.store.manifest import PARTS
from wsss_harness.store.work import Shard
from wsss_harness.system import locks
from wsss_harness.system.files import read_json

SUMS = ("wall_seconds", "cpu_seconds", "gpu_seconds")
PEAKS = ("peak_memory", "gpu_peak_memory")


@contextmanager
def begun(folder: Path, shard: Shard) -> Iterator[Path]:
    """Lock a shard of the stage in ``folder``; gives the path of its note.

    Raises:
        Busy: another process makes this shard.
    """
    note = folder / PARTS / f"{shard.index + 1}-of-{shard.count}.json"
    note.parent.mkdir(exist_ok=True)
    with locks.exclusive(lock_of(note), wait=False):
        yield note


def costs_of(folder: Path) -> list[dict[str, Any]]:
    """What each shard of a stage cost; one that did not end marks the stage as continued."""
    notes = (read_json(path) for path in sorted((folder / PARTS).glob("*.json")))
    return [note or {"continued": True} for note in notes]


def remove(folder: Path) -> None:
    shutil.rmtree(folder / PARTS, ignore_errors=True)


def total(costs: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The cost of a stage: the seconds of all its shards, and their highest peak of memory."""
    sums = {name: _reduce(sum, costs, name) for name in SUMS}
    peaks = {name: _reduce(max, costs, name) for name in PEAKS}
    return {**sums, **peaks, "continued": any(cost["continued"] for cost in costs)}


def _reduce(function: Any, costs: Sequence[Mapping[str, Any]], name: str) -> Any:
    values = [cost[name] for cost in costs if cost.get(name) is not None]
    return function(values) if values else None
