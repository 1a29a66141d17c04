"""Stages over folders: each runs once for its key, and a killed one goes on where it stopped."""

import contextlib
import errno
import traceback
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from wsss_harness.costs import Meter, environment
from wsss_harness.errors import DataError, StageError, StageFailure
from wsss_harness.failures import explain
from wsss_harness.files import TEMPORARY, write_json
from wsss_harness.guard import writing_below
from wsss_harness.hookspecs import StageEvent
from wsss_harness.limits import time_limit
from wsss_harness.manifests import FORMAT, LEDGER, LOG, MANIFEST, digests, read_manifest
from wsss_harness.places import folder_of, lock_of
from wsss_harness.stage import Stage, Work
from wsss_harness.supervision import Ledger


class Store:
    """A folder of finished stages. ``notify`` gets an event whenever a stage changes state.

    A stage may take ``limit`` seconds.
    """

    def __init__(
        self, root: Path, notify: Callable[[StageEvent], Any], limit: float | None = None
    ) -> None:
        self.root = root
        self.notify = notify
        self.limit = limit
        self._done: set[str] = set()
        self._failed: dict[str, StageFailure] = {}

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

    def make(self, stage: Stage) -> Path:
        """The folder of ``stage``, made with all it needs unless it is there already."""
        folder = self.folder(stage)
        if self.done(stage):
            self.notify(StageEvent("reused", stage.title))
            return folder
        if stage.key in self._failed:
            raise self._failed[stage.key]
        if (folder / MANIFEST).is_file():
            self.manifest(stage)  # what was changed by hand is neither used nor overwritten
        inputs = {name: self.make(needed) for name, needed in stage.inputs.items()}
        self._create(folder)
        with self._locked(stage, folder):
            if not self.done(stage):
                self._run(stage, folder, inputs)
        return folder

    def _create(self, folder: Path) -> None:
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            if error.errno not in (errno.EROFS, errno.EACCES, errno.EPERM):
                raise
            raise StageError(
                f"the store {self.root} cannot be written ({error.strerror}); give another --store "
                "or change its permissions"
            ) from None

    @contextlib.contextmanager
    def _locked(self, stage: Stage, folder: Path) -> Iterator[None]:
        """The lock of a stage; another run that holds it is waited for, and that is said."""
        lock = FileLock(lock_of(folder))
        try:
            lock.acquire(timeout=0.1)
        except Timeout:
            self.notify(StageEvent("waiting", stage.title, message="another run makes it"))
            lock.acquire()
        try:
            yield
        finally:
            lock.release()

    def _run(self, stage: Stage, folder: Path, inputs: Mapping[str, Path]) -> None:
        def progress(done: int, total: int) -> None:
            self.notify(StageEvent("progress", stage.title, done, total))

        self.notify(StageEvent("started", stage.title))
        continued = any(folder.iterdir())
        remove_temporary_files(folder)
        try:
            with (
                Meter() as meter,
                captured_output(folder / LOG),
                writing_below(folder, self.root),
                time_limit(self.limit),
            ):
                stage.make(Work(folder, inputs, Ledger(folder / LEDGER), progress))
            self._finish(stage, folder, meter, continued)
        except (Exception, KeyboardInterrupt, SystemExit) as error:
            self._fail(stage, folder, error)
        self.notify(StageEvent("finished", stage.title))

    def _finish(self, stage: Stage, folder: Path, meter: Meter, continued: bool) -> None:
        files = digests(folder)
        written = sum((folder / name).stat().st_size for name in files)
        manifest = {
            "format": FORMAT,
            "key": stage.key,
            "recipe": stage.recipe,
            "note": dict(stage.note),
            "read": list(Ledger(folder / LEDGER).read()),
            "cost": {**asdict(meter.cost()), "bytes": written, "continued": continued},
            "environment": environment(),
            "files": files,
        }
        write_json(folder / MANIFEST, manifest)

    def _fail(self, stage: Stage, folder: Path, error: BaseException) -> None:
        if isinstance(error, KeyboardInterrupt):
            self.notify(StageEvent("failed", stage.title, message="interrupted"))
            raise error
        with contextlib.suppress(OSError), (folder / LOG).open("a", encoding="utf-8") as log:
            log.write(traceback.format_exc())
        failure = explain(stage, folder, error)
        self._failed[stage.key] = failure
        self.notify(StageEvent("failed", stage.title, message=str(failure)))
        raise failure from error


def remove_temporary_files(folder: Path) -> None:
    for path in folder.rglob(f".*{TEMPORARY}"):
        path.unlink()


@contextlib.contextmanager
def captured_output(log: Path) -> Iterator[None]:
    """Send what libraries print to ``log``; the terminal belongs to the display."""
    with (
        log.open("a", encoding="utf-8", buffering=1) as file,
        contextlib.redirect_stdout(file),
        contextlib.redirect_stderr(file),
    ):
        yield
