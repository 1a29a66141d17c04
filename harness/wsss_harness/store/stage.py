"""A step of the benchmark, and what decides its bytes."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Protocol, TypeVar

from wsss_harness.store.manifest import key_of
from wsss_harness.store.selection_ledger import Scoring
from wsss_harness.store.source_digest import code_of
from wsss_harness.store.work import Work

Result = TypeVar("Result")


class Workplace(Protocol):
    """Another Python environment, in which the body of a stage runs."""

    def call(self, function: Callable[..., Result], *arguments: Any) -> Result:
        """What a function of the harness returns there."""

    def run(
        self, body: Callable[[Work], None], work: Work, code: Mapping[str, str]
    ) -> Mapping[str, Any]:
        """Run ``body``, whose source has the digests ``code``, there; gives what ``make`` does."""


@dataclass(frozen=True, eq=False)
class Stage:
    """A step of the benchmark. Whatever decides its bytes is in its cache key.

    ``body`` does the work; its code, all that it imports and the plugins that it holds are in the
    key. ``options`` are plain JSON values. The rest is not in the key: ``note`` is kept in the
    manifest, ``subject`` tells stages of one name apart on screen, a ``heavy`` stage works with
    networks, a stage of ``images`` can be divided into shards, a ``distributed`` one can train in
    several processes, and ``launch`` starts those and has them run ``body``. ``scoring``: what it
    scores on truth. ``place`` is where it runs, if not in this environment; its code is then what
    is installed there.
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
    launch: Callable[[Work], Mapping[str, Any]] | None = None
    scoring: Scoring | None = None
    place: Workplace | None = None

    def make(self, work: Work) -> Mapping[str, Any]:
        """Do the work where it belongs; gives ``environment`` and ``cost`` if it knows better."""
        if self.place is not None:
            return self.place.run(self.body, work, self.recipe["code"])
        if self.launch is not None:
            return self.launch(work)
        self.body(work)
        return {}

    def ask(self, function: Callable[..., Result], *arguments: Any) -> Result:
        """What a function of the harness returns in the environment of this stage."""
        return self.place.call(function, *arguments) if self.place else function(*arguments)

    @cached_property
    def recipe(self) -> dict[str, Any]:
        return {
            "kind": self.kind,
            "name": self.name,
            "options": dict(self.options),
            "code": dict(self.ask(code_of, self.body)),
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
