"""A step of the benchmark, what decides its bytes, and what it works with."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from wsss_harness.contract.supervision import Ledger
from wsss_harness.store.manifest import key_of
from wsss_harness.store.source_digest import source_digest


@dataclass(frozen=True)
class Part:
    """One of ``count`` parts of the images of a stage; by default all of them."""

    index: int = 0
    count: int = 1

    def of(self, ids: Sequence[str]) -> Sequence[str]:
        return ids[self.index :: self.count]


@dataclass(frozen=True)
class Work:
    """What a stage works with: its folder, the folders of its inputs, and ways to report."""

    folder: Path
    inputs: Mapping[str, Path]
    ledger: Ledger
    progress: Callable[[int, int], None]
    part: Part = Part()


@dataclass(frozen=True, eq=False)
class Stage:
    """A step of the benchmark. All that decides its bytes is in its key.

    ``options`` are plain JSON values; ``code`` names the modules whose source counts. The rest
    decides nothing: ``note`` is kept in the manifest, ``subject`` tells twins apart in the display,
    a ``heavy`` stage works with networks, one of ``images`` can be made in parts, and one that is
    ``distributed`` can train in several processes at once.
    """

    kind: str
    name: str
    make: Callable[[Work], None]
    options: Mapping[str, Any]
    code: tuple[str, ...]
    inputs: Mapping[str, "Stage"] = field(default_factory=dict)
    note: Mapping[str, Any] = field(default_factory=dict)
    subject: str = ""
    heavy: bool = False
    images: bool = False
    distributed: bool = False

    @cached_property
    def recipe(self) -> dict[str, Any]:
        return {
            "kind": self.kind,
            "name": self.name,
            "options": dict(self.options),
            "code": {module: source_digest(module) for module in self.code},
            "inputs": {name: stage.key for name, stage in self.inputs.items()},
        }

    @cached_property
    def key(self) -> str:
        return key_of(self.recipe)

    @property
    def title(self) -> str:
        return f"{self.kind} {self.name}" + (f" on {self.subject}" if self.subject else "")


def upstream(*targets: Stage) -> Iterator[Stage]:
    """The targets and all that they need, each once, what is needed first."""
    met: set[str] = set()

    def walk(stage: Stage) -> Iterator[Stage]:
        if stage.key not in met:
            met.add(stage.key)
            for needed in stage.inputs.values():
                yield from walk(needed)
            yield stage

    for target in targets:
        yield from walk(target)
