"""Stages over folders: each runs once for its key, and a killed one goes on where it stopped."""

import contextlib
import traceback
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from importlib import import_module
from pathlib import Path
from typing import Any

from wsss_harness.contract.errors import DataError, StageError
from wsss_harness.contract.hookspecs import StageEvent
from wsss_harness.contract.supervision import Ledger
from wsss_harness.execution import shard_notes as parts
from wsss_harness.execution.failures import explain
from wsss_harness.store.layout import create, folder_of, lock_of
from wsss_harness.store.manifest import FORMAT, LEDGER, LOG, MANIFEST, digests, read_manifest
from wsss_harness.store.source_digest import changed
from wsss_harness.store.stage import Part, Stage, Work
from wsss_harness.system import locks
from wsss_harness.system.files import remove_temporary_files, write_json
from wsss_harness.system.limits import NO_LIMITS, Limits
from wsss_harness.system.meter import Meter, environment
from wsss_harness.system.write_guard import writing_below

WHOLE = Part()


class Store:
    """A folder of finished stages. ``notify`` gets an event whenever a stage changes state."""

    def __init__(
        self, root: Path, notify: Callable[[StageEvent], Any], limits: Limits = NO_LIMITS
    ) -> None:
        self.root = root
        self.notify = notify
        self.limits = limits
        self.made: set[str] = set()  # keys of the stages that were made here
        self._done: set[str] = set()

    def folder(self, stage: Stage) -> Path:
        return folder_of(self.root, stage.kind, stage.name, stage.key)

    def done(self, stage: Stage) -> bool:
        """Whether the stage is finished and all its files are still there."""
        if stage.key not in self._done:
            with contextlib.suppress(DataError):  # ``make`` tells of a manifest that is no good
                if (self.folder(stage) / MANIFEST).is_file() and not self.missing(stage):
                    self._done.add(stage.key)
        return stage.key in self._done

    def missing(self, stage: Stage) -> list[str]:
        """The files of a finished stage that are gone."""
        folder, products = self.folder(stage), self.manifest(stage)["files"]
        return [name for name in products if not (folder / name).is_file()]

    def manifest(self, stage: Stage) -> dict[str, Any]:
        """The manifest of a finished stage; DataError if it is of another one, or no good."""
        folder = self.folder(stage)
        manifest = read_manifest(folder)
        if manifest["key"] != stage.key:
            raise DataError(
                f"{folder / MANIFEST} is that of another stage, {manifest['recipe']['kind']} "
                f"{manifest['recipe']['name']}; delete {folder} to have it made again"
            )
        return manifest

    def make(self, stage: Stage, wait: bool = True) -> Path:
        """The folder of ``stage``, made with all it needs unless it is there already.

        Raises:
            StageFailure: it, or one that it needs, could not be made.
            Busy: another process makes it, and it is not to be waited for.
        """
        folder = self.folder(stage)
        if self.done(stage):
            self._tell("reused", stage)
            return folder
        inputs = {name: self.make(needed, wait) for name, needed in stage.inputs.items()}
        self._begin(stage, folder)
        with self._locked(stage, folder, wait):
            if not self.done(stage):
                self._run(stage, folder, inputs)
        return folder

    def make_part(self, stage: Stage, part: Part) -> None:
        """Make a part of the images of a stage whose inputs are there; ``make`` then finishes it.

        Raises:
            StageFailure: it could not be made.
            Busy: another process makes the whole stage, or this part.
        """
        folder = self.folder(stage)
        self._begin(stage, folder)
        inputs = {name: self.folder(needed) for name, needed in stage.inputs.items()}
        with locks.shared(lock_of(folder), wait=False), parts.begun(folder, part) as note:
            if self.done(stage):
                return
            self._tell("started", stage)
            continued = note.is_file()
            write_json(note, None)
            with self._failing(stage, folder):
                with Meter() as meter:
                    self._work(stage, folder, inputs, part)
                write_json(note, {**asdict(meter.resource_use()), "continued": continued})

    def _tell(
        self, kind: str, stage: Stage, done: int = 0, total: int = 0, message: str = ""
    ) -> None:
        self.notify(StageEvent(kind, stage.title, done, total, message, stage.key))

    def _begin(self, stage: Stage, folder: Path) -> None:
        if (folder / MANIFEST).is_file():
            self.manifest(stage)  # what was changed by hand is neither used nor overwritten
        create(folder, self.root)

    @contextlib.contextmanager
    def _locked(self, stage: Stage, folder: Path, wait: bool) -> Iterator[None]:
        """The lock of a stage; another run that holds it is waited for, and that is said."""
        with contextlib.ExitStack() as held:
            try:
                held.enter_context(locks.exclusive(lock_of(folder), wait=False))
            except locks.Busy:
                if not wait:
                    raise
                self._tell("waiting", stage, message="another run makes it")
                held.enter_context(locks.exclusive(lock_of(folder), wait=True))
            yield

    def _run(self, stage: Stage, folder: Path, inputs: Mapping[str, Path]) -> None:
        self._tell("started", stage)
        earlier = parts.costs(folder)
        continued = not earlier and any(path.name != LOG for path in folder.iterdir())
        remove_temporary_files(folder)
        with self._failing(stage, folder):
            with Meter() as meter:
                self._work(stage, folder, inputs)
            parts.remove(folder)
            cost = {**asdict(meter.resource_use()), "continued": continued}
            self._finish(stage, folder, parts.total([*earlier, cost]))
        self.made.add(stage.key)
        self._tell("finished", stage)

    def _work(
        self, stage: Stage, folder: Path, inputs: Mapping[str, Path], part: Part = WHOLE
    ) -> None:
        def progress(done: int, total: int) -> None:
            self._tell("progress", stage, done, total)

        if stage.heavy:
            import_module("torch")  # outside the limits: an import that is cut off stays broken
        with (
            captured_output(folder / LOG),
            writing_below(folder, self.root),
            self.limits.of(stage.kind),
        ):
            stage.make(Work(folder, inputs, Ledger(folder / LEDGER), progress, part))

    def _finish(self, stage: Stage, folder: Path, cost: Mapping[str, Any]) -> None:
        if modules := changed(stage.recipe["code"]):  # some of it may have been loaded meanwhile
            raise StageError(
                f"the source of {', '.join(modules)} changed while it ran, so nobody knows which "
                "code made its files; run again"
            )
        files = digests(folder)
        written = sum((folder / name).stat().st_size for name in files)
        manifest = {
            "format": FORMAT,
            "key": stage.key,
            "recipe": stage.recipe,
            "note": dict(stage.note),
            "read": list(Ledger(folder / LEDGER).read()),
            "cost": {**cost, "bytes": written},
            "environment": environment(),
            "files": files,
        }
        write_json(folder / MANIFEST, manifest)

    @contextlib.contextmanager
    def _failing(self, stage: Stage, folder: Path) -> Iterator[None]:
        """Turn what the body raises into the failure of the stage, and log it."""
        try:
            yield
        except KeyboardInterrupt:
            self._tell("failed", stage, message="interrupted")
            raise
        except (Exception, SystemExit) as error:
            with contextlib.suppress(OSError), (folder / LOG).open("a", encoding="utf-8") as log:
                log.write(traceback.format_exc())
            failure = explain(stage, folder, error)
            self._tell("failed", stage, message=str(failure))
            raise failure from error


@contextlib.contextmanager
def captured_output(log: Path) -> Iterator[None]:
    """Send what libraries print to ``log``; the terminal belongs to the display."""
    with (
        log.open("a", encoding="utf-8", buffering=1) as file,
        contextlib.redirect_stdout(file),
        contextlib.redirect_stderr(file),
    ):
        yield
