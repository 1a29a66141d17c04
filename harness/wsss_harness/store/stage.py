"""A step of the benchmark, and what decides its bytes."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from wsss_harness.store.manifest import key_of
from wsss_harness.store.selection_ledger import Scoring
from wsss_harness.store.source_digest import code_of
from wsss_harness.store.work import Work


@dataclass(frozen=True, eq=False)
class Stage:
    """A step of the benchmark. Whatever decides its bytes is in its cache key.

    ``body`` does the work; its code, all that it imports and the plugins that it holds are in the
    key. ``options`` are plain JSON values. The rest is not in the key: ``note`` is kept in the
    manifest, ``subject`` tells stages of one name apart on screen, a ``heavy`` stage works with
    networks, a stage of ``images`` can be divided into shards, a ``distributed`` one can train in
    several processes, and ``launch`` starts those and has them run ``body``. ``scoring``: what it
    scores on truth.
    """

    kind: str
    name: str
    body: Callable[[Work], None]
    options: Mapping[str, Any]
    inputs: Mapping[str, "Stage"] = field(default_factory=dict)
    note: Mapping[str, Any] = field(default_factory=dict)
    subject: str = ""
    heavy: bool = False
    images: bool = False
    distributed: bool = False
    launch: Callable[[Work], None] | None = None
    scoring: Scoring | None = None

    def make(self, work: Work) -> None:
        """Do the work here, or where ``launch`` does it."""
        (self.launch or self.body)(work)

    @cached_property
    def recipe(self) -> dict[str, Any]:
        return {
            "kind": self.kind,
            "name": self.name,
            "options": dict(self.options),
            "code": dict(code_of(self.body)),
            "inputs": {name: stage.key for name, stage in self.inputs.items()},
        }

    @cached_property
    def key(self) -> str:
        return key_of(self.recipe)

    @property
    def title(self) -> str:
        return f"{self.kind} {self.name}" + (f" on {self.subject}" if self.subject else "")


def upstream(*targets: Stage) -> Iterator[Stage]:
    """The targets and all stages that they need, each once, inputs first."""
    visited: set[str] = set()

    def walk(stage: Stage) -> Iterator[Stage]:
        if stage.key not in visited:
            visited.add(stage.key)
            for needed in stage.inputs.values():
                yield from walk(needed)
            yield stage

    for target in targets:
        yield from walk(target)
