"""Stages over folders: each runs once for its key, and a killed one goes on where it stopped."""

import ast
import contextlib
import errno
import hashlib
import importlib.util
import json
import platform
import sys
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property
from importlib.metadata import PackageNotFoundError, packages_distributions, version
from pathlib import Path
from typing import Any

import xxhash
from filelock import FileLock, Timeout

from wsss_harness.errors import StageError, StageFailure, WsssError
from wsss_harness.files import TEMPORARY, read_json, write_json
from wsss_harness.guard import writing_below
from wsss_harness.hookspecs import StageEvent
from wsss_harness.limits import time_limit
from wsss_harness.supervision import Ledger

MANIFEST = "manifest.json"
LOG = "log.txt"
LEDGER = "read"
LOG_TAIL = 20


@cache
def source_digest(module: str) -> str:
    """A digest of a module's source and of what lies beside it, or of a whole package."""
    spec = importlib.util.find_spec(module)
    if spec is None or spec.origin is None:
        raise StageError(f"the source of {module} cannot be found")
    origin = Path(spec.origin)
    paths = sorted(origin.parent.rglob("*.py")) if spec.submodule_search_locations else [origin]
    if not spec.submodule_search_locations and "." not in module:
        paths = sorted(beside(origin))
    digest = hashlib.sha256()
    for path in paths:
        digest.update(str(path.relative_to(origin.parent)).encode() + path.read_bytes())
    return digest.hexdigest()


def beside(origin: Path) -> set[Path]:
    """A top-level module's file and those of the same folder that it imports, however far.

    Where distributions share a folder, what another one installed does not count.
    """
    owners = packages_distributions()
    own = owners.get(origin.stem, [])
    found, new = set(), {origin}
    while new:
        path = new.pop()
        found.add(path)
        for name in imported(path):
            if owners.get(name, own) == own:
                module, package = path.parent / f"{name}.py", path.parent / name
                files = [module] if module.is_file() else sorted(package.rglob("*.py"))
                new |= {file for file in files if file not in found}
    return found


def imported(path: Path) -> set[str]:
    """The top-level names that a source file imports, wherever in it."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module.partition(".")[0])
    return names


@dataclass(frozen=True)
class Work:
    """What a stage works with: its folder, the folders of its inputs, and ways to report."""

    folder: Path
    inputs: Mapping[str, Path]
    ledger: Ledger
    progress: Callable[[int, int], None]


@dataclass(frozen=True)
class Stage:
    """A step of the benchmark. All that decides its bytes is in its key.

    ``options`` are plain JSON values; ``code`` names the modules whose source counts. ``note`` is
    kept in the manifest and ``subject`` tells twins apart in the display; both decide nothing.
    """

    kind: str
    name: str
    make: Callable[[Work], None]
    options: Mapping[str, Any]
    code: tuple[str, ...]
    inputs: Mapping[str, "Stage"] = field(default_factory=dict)
    note: Mapping[str, Any] = field(default_factory=dict)
    subject: str = ""

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
        text = json.dumps(self.recipe, sort_keys=True, allow_nan=False)
        return hashlib.sha256(text.encode()).hexdigest()

    @property
    def title(self) -> str:
        return f"{self.kind} {self.name}" + (f" on {self.subject}" if self.subject else "")


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
        name = "".join(c if c.isalnum() else "-" for c in stage.name.lower())
        return self.root / stage.kind / f"{name}-{stage.key[:12]}"

    def done(self, stage: Stage) -> bool:
        """Whether the stage is finished and all its files are still there."""
        if stage.key not in self._done and (self.folder(stage) / MANIFEST).is_file():
            folder, products = self.folder(stage), self.manifest(stage)["files"]
            if all((folder / name).is_file() for name in products):
                self._done.add(stage.key)
        return stage.key in self._done

    def manifest(self, stage: Stage) -> dict[str, Any]:
        manifest: dict[str, Any] = read_json(self.folder(stage) / MANIFEST)
        return manifest

    def make(self, stage: Stage) -> Path:
        """The folder of ``stage``, made with all it needs unless it is there already."""
        folder = self.folder(stage)
        if self.done(stage):
            self.notify(StageEvent("reused", stage.title))
            return folder
        if stage.key in self._failed:
            raise self._failed[stage.key]
        inputs = {name: self.make(needed) for name, needed in stage.inputs.items()}
        folder.mkdir(parents=True, exist_ok=True)
        with self._locked(stage, folder):
            if not self.done(stage):
                self._run(stage, folder, inputs)
        return folder

    @contextlib.contextmanager
    def _locked(self, stage: Stage, folder: Path) -> Iterator[None]:
        """The lock of a stage; another run that holds it is waited for, and that is said."""
        lock = FileLock(folder.with_suffix(".lock"))
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
        started = time.monotonic()
        remove_temporary_files(folder)
        try:
            with (
                captured_output(folder / LOG),
                writing_below(folder, self.root),
                time_limit(self.limit),
            ):
                stage.make(Work(folder, inputs, Ledger(folder / LEDGER), progress))
            self._finish(stage, folder, time.monotonic() - started)
        except (Exception, KeyboardInterrupt, SystemExit) as error:
            self._fail(stage, folder, error)
        self.notify(StageEvent("finished", stage.title))

    def _finish(self, stage: Stage, folder: Path, seconds: float) -> None:
        manifest = {
            "key": stage.key,
            "recipe": stage.recipe,
            "note": dict(stage.note),
            "read": list(Ledger(folder / LEDGER).read()),
            "seconds": round(seconds, 3),
            "environment": environment(),
            "files": digests(folder),
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


def environment() -> dict[str, str]:
    """The versions that may move a number, and the device if a stage has asked for one."""
    names = (
        "wsss-bench",
        "torch",
        "torchvision",
        "onedl-mmengine",
        "onedl-mmsegmentation",
        "numpy",
    )
    versions = {"python": platform.python_version(), **{name: version(name) for name in names}}
    with contextlib.suppress(PackageNotFoundError):  # it is optional
        versions["pydensecrf2"] = version("pydensecrf2")
    torch = sys.modules.get("torch")
    gpu = torch is not None and torch.cuda.is_available()
    return {**versions, "device": torch.cuda.get_device_name() if gpu and torch else "cpu"}


def explain(stage: Stage, folder: Path, error: BaseException) -> StageFailure:
    """A failure of a stage as one sentence that names the stage and its log."""
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        reason = f"the disk is full; free space below {folder.parent} and run again"
    elif isinstance(error, MemoryError):
        reason = "memory ran out; use a smaller batch or image"
    elif isinstance(error, WsssError):
        reason = str(error)
    else:
        reason = f"{type(error).__name__}: {error}"
    message = f"{stage.title}: {reason} (log: {folder / LOG})"
    return StageFailure(message, stage.title, type(error).__name__, _tail(folder / LOG))


def _tail(log: Path) -> tuple[str, ...]:
    try:
        return tuple(log.read_text(encoding="utf-8", errors="replace").splitlines()[-LOG_TAIL:])
    except OSError:
        return ()


def remove_temporary_files(folder: Path) -> None:
    for path in folder.rglob(f".*{TEMPORARY}"):
        path.unlink()


def digests(folder: Path) -> dict[str, str]:
    """xxh3 digests of a stage's products; logs, ledger and manifest are not products."""
    paths = (path for path in sorted(folder.rglob("*")) if path.is_file())
    relative = ((path, path.relative_to(folder)) for path in paths)
    return {
        name.as_posix(): xxhash.xxh3_128_hexdigest(path.read_bytes())
        for path, name in relative
        if name.parts[0] not in (LOG, LEDGER, MANIFEST)
    }


@contextlib.contextmanager
def captured_output(log: Path) -> Iterator[None]:
    """Send what libraries print to ``log``; the terminal belongs to the display."""
    with (
        log.open("a", encoding="utf-8", buffering=1) as file,
        contextlib.redirect_stdout(file),
        contextlib.redirect_stderr(file),
    ):
        yield
