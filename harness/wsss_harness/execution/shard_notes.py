"""Notes of the parts in which a stage was made: which were begun, and what each cost."""

import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from wsss_harness.store.layout import lock_of
from wsss_harness.store.manifest import PARTS
from wsss_harness.store.stage import Part
from wsss_harness.system import locks
from wsss_harness.system.files import read_json

SUMS = ("wall_seconds", "cpu_seconds", "gpu_seconds")
PEAKS = ("peak_memory", "gpu_peak_memory")


@contextmanager
def begun(folder: Path, part: Part) -> Iterator[Path]:
    """The file for the note of a part of the stage in ``folder``, which nobody else makes."""
    note = folder / PARTS / f"{part.index + 1}-of-{part.count}.json"
    note.parent.mkdir(exist_ok=True)
    with locks.exclusive(lock_of(note), wait=False):
        yield note


def costs(folder: Path) -> list[dict[str, Any]]:
    """What the parts of a stage cost; a part that did not end counts as one that went on."""
    found = [read_json(path) for path in sorted((folder / PARTS).glob("*.json"))]
    return [cost or {"continued": True} for cost in found]


def remove(folder: Path) -> None:
    shutil.rmtree(folder / PARTS, ignore_errors=True)


def total(paid: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The cost of a stage: seconds of all parts together, and the highest peak of memory."""
    sums = {name: _all(sum, paid, name) for name in SUMS}
    peaks = {name: _all(max, paid, name) for name in PEAKS}
    return {**sums, **peaks, "continued": any(cost["continued"] for cost in paid)}


def _all(fold: Any, paid: Sequence[Mapping[str, Any]], name: str) -> Any:
    known = [cost[name] for cost in paid if cost.get(name) is not None]
    return fold(known) if known else None
