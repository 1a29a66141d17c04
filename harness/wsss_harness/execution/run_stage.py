"""Run stages in this process: each once for its key; a killed one goes on where it stopped."""

import contextlib
import shutil
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

from wsss_harness.contract.errors import StageFailure, WsssError
from wsss_harness.contract.hookspecs import StageEvent
from wsss_harness.contract.supervision import Dataset, Ledger
from wsss_harness.plugins.registry import Plugins
from wsss_harness.store import selection_ledger
from wsss_harness.store.layout import create, lock_of
from wsss_harness.store.manifest import FORMAT, LEDGER, MANIFEST, PARTS, digests, key_of
from wsss_harness.store.selection_ledger import LedgerEntry, Truth
from wsss_harness.store.source_digest import refuse_changed
from wsss_harness.store.stage import Stage
from wsss_harness.store.store import Store
from wsss_harness.store.work import LOG, Shard, Work
from wsss_harness.suite.graph import Graph
from wsss_harness.suite.schedule import Schedule
from wsss_harness.suite.spec import Suite
from wsss_harness.system import locks
from wsss_harness.system.files import is_disk_full, read_json, remove_temporary_files, write_json
from wsss_harness.system.meter import Meter, environment
from wsss_harness.system.pace import Pace
from wsss_harness.system.write_guard import writing_below

WHOLE = Shard()
LOG_TAIL = 20  # lines of the log in a failure
SUMS = ("wall_seconds", "cpu_seconds", "gpu_seconds")
PEAKS = ("peak_memory", "gpu_peak_memory")


def make_stage(stage: Stage, store: Store, *, wait: bool = True) -> bool:
    """Make a stage and every input that is missing; False if the stage was there already.

    Raises:
        StageFailure: the stage or one of its inputs failed.
        Busy: another process makes one of them, and ``wait`` is False.
    """
    schedule = Schedule([stage], store.done)
    for ready in schedule.there.values():
        StageRun(ready, store).tell("reused")
    newly_made = False
    for step in schedule.remaining.values():
        newly_made = StageRun(step, store).run(wait)
    return newly_made


def dataset_of(suite: Suite, plugins: Plugins, store: Store) -> Dataset:
    """The dataset of a suite, made in the store if necessary."""
    graph = Graph(suite, plugins, suite.seeds[0])
    make_stage(graph.data, store)
    return graph.opened(store.folder(graph.data))


def work_of(
    stage: Stage, store: Store, progress: Callable[[int, int], None], shard: Shard = WHOLE
) -> Work:
    """What the function of a stage works with."""
    folder = store.folder(stage)
    inputs = {name: store.folder(needed) for name, needed in stage.inputs.items()}
    return Work(folder, inputs, Ledger(folder / LEDGER), progress, shard)


@dataclass(frozen=True)
class StageRun:
    """One attempt to make a stage whose inputs are there."""

    stage: Stage
    store: Store

    @property
    def folder(self) -> Path:
        return self.store.folder(self.stage)

    def tell(self, kind: str, done: int = 0, total: int = 0, message: str = "") -> None:
        event = StageEvent(kind, self.stage.title, done, total, message, self.stage.key)
        self.store.notify(event)

    def run(self, wait: bool) -> bool:
        """Make the stage; False if another process made it meanwhile."""
        self._prepare_folder()
        with self._locked(wait):
            if self.store.done(self.stage):
                return False
            self.tell("started")
            shard_costs = shard_costs_of(self.folder)
            continued = not shard_costs and any(p.name != LOG for p in self.folder.iterdir())
            remove_temporary_files(self.folder)
            with self._reporting_failure():
                cost = self._metered(WHOLE, continued)
                if shard_costs:  # then it has only passed by what they made
                    cost["pace"] = []
                shutil.rmtree(self.folder / PARTS, ignore_errors=True)
                self._finish(total_cost([*shard_costs, cost]), cost["environment"])
            self.tell("finished")
        return True

    def run_shard(self, shard: Shard) -> None:
        """Make one shard; ``run`` then finishes the stage.

        Raises:
            StageFailure: the shard failed.
            Busy: another process makes the whole stage, or this shard.
        """
        self._prepare_folder()
        with locks.shared(lock_of(self.folder), wait=False), shard_note(self.folder, shard) as note:
            if self.store.done(self.stage):
                return
            self.tell("started")
            continued = note.is_file()
            write_json(note, None)
            with self._reporting_failure():
                write_json(note, self._metered(shard, continued))

    def _prepare_folder(self) -> None:
        if (self.folder / MANIFEST).is_file():
            self.store.manifest(self.stage)  # raises rather than overwrite an edited manifest
        create(self.folder, self.store.root)

    @contextlib.contextmanager
    def _locked(self, wait: bool) -> Iterator[None]:
        """Hold the lock of the stage; report that another run holds it before waiting."""
        with contextlib.ExitStack() as held:
            try:
                held.enter_context(locks.exclusive(lock_of(self.folder), wait=False))
            except locks.Busy:
                if not wait:
                    raise
                self.tell("waiting", message="another run makes it")
                held.enter_context(locks.exclusive(lock_of(self.folder), wait=True))
            yield

    def _metered(self, shard: Shard, continued: bool) -> dict[str, Any]:
        """Call the function of the stage; gives the cost of the call, and where it ran."""
        pace = Pace(partial(self.tell, "progress"))
        work = work_of(self.stage, self.store, pace, shard)
        with Meter() as meter:
            here = self.stage.heavy and self.stage.place is None
            if here and self.store.limits.hold_for(self.stage.kind):
                import_module("torch")  # outside the limits: an import that is cut off stays broken
            with (  # the terminal belongs to the display, so what libraries print goes to the log
                (self.folder / LOG).open("a", encoding="utf-8", buffering=1) as log,
                contextlib.redirect_stdout(log),
                contextlib.redirect_stderr(log),
                writing_below(self.folder, self.store.root),
                self.store.limits.of(self.stage.kind),
            ):
                made = self.stage.make(work)
        cost = {**asdict(meter.resource_use()), **made.get("cost", {}), "continued": continued}
        cost["pace"] = pace.measured()
        return {**cost, "environment": made.get("environment") or environment()}

    def _finish(self, cost: Mapping[str, Any], made_in: Mapping[str, str]) -> None:
        if self.stage.place is None:
            refuse_changed(self.stage.recipe["code"])
        files = digests(self.folder)
        self._note_scoring(files)
        size = sum((self.folder / name).stat().st_size for name in files)
        manifest = {
            "format": FORMAT,
            "key": self.stage.key,
            "recipe": self.stage.recipe,
            "note": dict(self.stage.note),
            "read": list(Ledger(self.folder / LEDGER).read()),
            "cost": {**cost, "bytes": size},
            "environment": made_in,
            "files": files,
        }
        write_json(self.folder / MANIFEST, manifest)

    def _note_scoring(self, files: Mapping[str, str]) -> None:
        """Note what the stage has scored on truth, before it counts as finished."""
        if scoring := self.stage.scoring:
            ids = scoring.ids(work_of(self.stage, self.store, partial(self.tell, "progress")))
            truth = Truth.of(self.stage.inputs["data"].name, scoring.split, ids)
            entry = LedgerEntry(truth, scoring.unit, scoring.subject or key_of(files))
            selection_ledger.note(self.store.root, entry, scoring.count)

    @contextlib.contextmanager
    def _reporting_failure(self) -> Iterator[None]:
        """Log what the body raises, report it, and raise it as StageFailure."""
        try:
            yield
        except KeyboardInterrupt:
            self.tell("failed", message="interrupted")
            raise
        except (Exception, SystemExit) as error:
            log = self.folder / LOG
            with contextlib.suppress(OSError), log.open("a", encoding="utf-8") as file:
                file.write(traceback.format_exc())
            failure = explain(self.stage, self.folder, error)
            self.tell("failed", message=str(failure))
            raise failure from error


def explain(stage: Stage, folder: Path, error: BaseException) -> StageFailure:
    """The failure of a stage as one sentence that names the stage, the reason and the log."""
    if is_disk_full(error):
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


# Notes in the folder of a stage: which shards were begun, and what each one cost


@contextlib.contextmanager
def shard_note(folder: Path, shard: Shard) -> Iterator[Path]:
    """Lock a shard of the stage in ``folder``; gives the path of its note.

    Raises:
        Busy: another process makes this shard.
    """
    note = folder / PARTS / f"{shard.index + 1}-of-{shard.count}.json"
    note.parent.mkdir(exist_ok=True)
    with locks.exclusive(lock_of(note), wait=False):
        yield note


def shard_costs_of(folder: Path) -> list[dict[str, Any]]:
    """What each shard of a stage cost; one that did not end marks the stage as continued."""
    notes = (read_json(path) for path in sorted((folder / PARTS).glob("*.json")))
    return [note or {"continued": True} for note in notes]


def total_cost(costs: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The cost of a stage: the seconds of all its shards, and their highest peak of memory."""
    sums = {name: _reduce(sum, costs, name) for name in SUMS}
    peaks = {name: _reduce(max, costs, name) for name in PEAKS}
    paces = [phase for cost in costs for phase in cost.get("pace", ())]
    return {**sums, **peaks, "continued": any(cost["continued"] for cost in costs), "pace": paces}


def _reduce(function: Any, costs: Sequence[Mapping[str, Any]], name: str) -> Any:
    values = [cost[name] for cost in costs if cost.get(name) is not None]
    return function(values) if values else None
