"""Look up stages in a folder of finished ones."""

import contextlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from wsss_harness.contract.errors import DataError
from wsss_harness.contract.hookspecs import StageEvent
from wsss_harness.store.layout import folder_of
from wsss_harness.store.manifest import MANIFEST, read_manifest
from wsss_harness.store.source_digest import libraries_of
from wsss_harness.store.stage import Stage
from wsss_harness.system.limits import NO_LIMITS, Limits
from wsss_harness.system.meter import library_versions


def ignore(event: StageEvent) -> None:
    pass


class Store:
    """A folder of finished stages.

    Whoever makes a stage of the store reports to ``notify`` and keeps the ``limits``.
    """

    def __init__(
        self, root: Path, notify: Callable[[StageEvent], Any] = ignore, limits: Limits = NO_LIMITS
    ) -> None:
        self.root = root
        self.notify = notify
        self.limits = limits
        self._environments: dict[str, dict[str, str]] = {}  # of finished stages, by key

    def folder(self, stage: Stage) -> Path:
        return folder_of(self.root, stage.kind, stage.name, stage.key)

    def done(self, stage: Stage) -> bool:
        """Whether the stage is finished and all its files are still there."""
        if stage.key not in self._environments:
            with contextlib.suppress(DataError):  # whoever makes the stage reports it
                if (self.folder(stage) / MANIFEST).is_file():
                    manifest = self.manifest(stage)
                    if not self._missing(stage, manifest):
                        self._environments[stage.key] = manifest["environment"]
        return stage.key in self._environments

    def environment(self, stage: Stage) -> dict[str, str]:
        """The versions and settings with which a stage was made; empty if it is not finished."""
        return self._environments[stage.key] if self.done(stage) else {}

    def missing(self, stage: Stage) -> list[str]:
        """The files of a finished stage that are gone."""
        return self._missing(stage, self.manifest(stage))

    def _missing(self, stage: Stage, manifest: Mapping[str, Any]) -> list[str]:
        folder = self.folder(stage)
        return [name for name in manifest["files"] if not (folder / name).is_file()]

    def manifest(self, stage: Stage) -> dict[str, Any]:
        """The manifest of a finished stage.

        Raises:
            DataError: it cannot be read, was edited, or belongs to another stage.
        """
        folder = self.folder(stage)
        manifest = read_manifest(folder)
        if manifest["key"] != stage.key:
            raise DataError(
                f"{folder / MANIFEST} is that of another stage, {manifest['recipe']['kind']} "
                f"{manifest['recipe']['name']}; delete {folder} to have it made again"
            )
        return manifest


def version_warnings(stages: Iterable[Stage], store: Store) -> Iterator[str]:
    """A sentence for each library of which finished stages were made with another version.

    Versions are in no cache key: an update of torch would throw away weeks of training whose bytes
    it rarely changes. Commands warn instead.
    """
    titles: dict[tuple[str, str, str], list[str]] = defaultdict(list)
    for stage in stages:
        made_in = store.environment(stage)
        for library, installed in _installed(stage).items() if made_in else ():
            if made_in.get(library, installed) != installed:
                titles[library, made_in[library], installed].append(stage.title)
    for (library, version, installed), affected in sorted(titles.items()):
        stages_made = (
            f"{affected[0]} was" if len(affected) == 1 else f"{len(affected)} finished stages were"
        )
        yield (
            f"{stages_made} made with {library} {version}; {installed} is installed and "
            "may give other numbers. To make everything with the installed versions, use another "
            "--store."
        )


def _installed(stage: Stage) -> dict[str, str]:
    """The versions where a stage is made; elsewhere, those that its plugin imports count as well.

    That is what such an environment is for.
    """
    own = stage.ask(libraries_of, stage.body) if stage.place else {}
    return {**own, **stage.ask(library_versions)}
