"""A row made once more from its weights, or from nothing, beside what its record says."""

import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wsss_harness.contract.errors import DataError
from wsss_harness.execution.repeat import parent_of
from wsss_harness.execution.run import RowOutcome
from wsss_harness.execution.run_stage import make_stage
from wsss_harness.plugins.registry import Plugins
from wsss_harness.store.housekeeping import damage
from wsss_harness.store.layout import RECORDS
from wsss_harness.store.manifest import key_of
from wsss_harness.store.stage import Stage, upstream
from wsss_harness.store.store import Store
from wsss_harness.suite.graph import Graph
from wsss_harness.suite.rows import RowStages
from wsss_harness.suite.spec import Suite
from wsss_leaderboard.records.collect import Collector
from wsss_leaderboard.records.provenance import Step
from wsss_leaderboard.records.record import Record
from wsss_leaderboard.submissions.definitions import dataset_of, stages_of
from wsss_leaderboard.submissions.remeasure import differences

TRAINED = ("data", "pretrain", "fit", "segment")  # kinds of stages that are not made from weights
CLAIMED = ("classes", "control", "recipe", "seeds", "supervision")  # whatever the machinery
MEASURED = ("counts", "masks", "plugins", "segmentations")  # follow from equal bytes


@dataclass(frozen=True)
class RemakeResult:
    """What came out. ``stages``: how many were compared; ``differing``: titles, the first first.

    ``alike``: the same versions, number of threads and CPU were at work, so that bytes should be
    equal. ``moved``: by how much the mIoU of each target differs, a fraction. ``unlike``: what else
    the record says otherwise; of its metrics and counts only where all bytes are equal.
    """

    stages: int
    differing: tuple[str, ...]
    alike: bool
    moved: Mapping[str, float]
    unlike: tuple[str, ...] = ()

    @property
    def worst(self) -> float:
        return max(map(abs, self.moved.values()), default=0.0)


def remake(
    record: Record, suite: Suite, plugins: Plugins, store: Store, trained: bool
) -> RemakeResult:
    """Make a row again in a store of its own, with ``trained`` weights of ``store`` or without.

    Raises:
        DataError: the weights are missing, or are not those of the record.
        StageFailure: a stage could not be made.
    """
    dataset = dataset_of(suite, plugins, store)
    row = stages_of(record, suite, plugins, dataset)
    with tempfile.TemporaryDirectory(prefix="verify-", dir=parent_of(store.root)) as folder:
        scratch = Store(Path(folder), store.notify, store.limits)
        if trained:
            lend(row, record, store, scratch)
        with as_recorded(record):
            for target in row.targets:
                make_stage(target, scratch)
        graph = Graph(suite, plugins, record.seed)
        collector = Collector(suite, scratch, dataset, graph)
        _, made = collector.save(RowOutcome(row), Path(folder) / RECORDS)
    return compare(record, made, TRAINED if trained else ())


def lend(row: RowStages, record: Record, store: Store, scratch: Store) -> None:
    """Give the trained stages of a row to another store, once it is known that they are its own."""
    for stage in upstream(*row.targets):
        if stage.kind in TRAINED:
            _check_trained(stage, record, store)
            shutil.copytree(store.folder(stage), scratch.folder(stage), copy_function=_link)


def _check_trained(stage: Stage, record: Record, store: Store) -> None:
    named = next((step for step in record.steps if step.key == stage.key), None)
    if named is None:
        raise DataError(
            f"the record does not name {stage.title} as the source, the options and the data here "
            "make it; install the version that made the record, or verify no further than tier 2"
        )
    if not store.done(stage):
        raise DataError(f"{store.root} does not have {stage.title} ({stage.key}); give its --store")
    if problem := damage(store.folder(stage)):
        raise DataError(problem)
    if key_of(store.manifest(stage)["files"]) != named.products:
        raise DataError(
            f"{store.folder(stage)} is not what the record was made from: its bytes differ"
        )


def _link(source: str, target: str) -> None:
    """Finished stages are never written again, so two stores may share their files."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)


@contextmanager
def as_recorded(record: Record) -> Iterator[None]:
    """Give torch the number of threads that the record was made with."""
    said = [step.environment.get("threads", "") for step in record.steps]
    threads = [int(number) for number in said if number.isdecimal() and int(number) > 0]
    if not threads:
        yield
        return
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(min(threads[0], os.cpu_count() or 1))
    try:
        yield
    finally:
        torch.set_num_threads(before)


def compare(before: Record, after: Record, kept: tuple[str, ...] = ()) -> RemakeResult:
    """Two records of one row, without the stages whose kinds were ``kept``."""
    earlier = {_title(step): step for step in before.steps}
    pairs = [
        (earlier.get(_title(step)), step)
        for step in after.steps
        if not step.stage.startswith(tuple(f"{kind} " for kind in kept))
    ]
    differing = tuple(
        _title(new) for old, new in pairs if old is None or old.products != new.products
    )
    return RemakeResult(
        stages=len(pairs),
        differing=differing,
        alike=all(old is not None and _alike(old, new) for old, new in pairs),
        moved=dict(_moved(before, after)),
        unlike=tuple(_unlike(before, after, same=not differing)),
    )


def _title(step: Step) -> str:
    return step.stage.rpartition(" ")[0]


def _unlike(before: Record, after: Record, same: bool) -> Iterator[str]:
    """What two records of one row say otherwise, field by field."""
    for name in (*CLAIMED, *(MEASURED if same else ())):
        old, new = _said(before, name, same), _said(after, name, same)
        if name == "seeds" and not old:  # of an older version
            continue
        if name == "masks" and old and new:  # scored anew, without scores
            new |= {part: old[part] for part in ("curve", "others") if not old[part]}
        yield from differences(old, new, name)


def _said(record: Record, name: str, same: bool) -> Any:
    """A field without the digests of its stages, and of its weights unless bytes are the same."""
    value = record.model_dump()[name]
    if name == "supervision":
        value["read"] = {stage.rpartition(" ")[0]: parts for stage, parts in value["read"].items()}
        for weights in () if same else value["weights"]:
            del weights["digest"]
    return value


def _alike(old: Step, new: Step) -> bool:
    """Of torch nothing is known where a stage did without it."""
    both = set(old.environment) & set(new.environment)
    same = all(old.environment[name] == new.environment[name] for name in both)
    return same and new.environment.get("device") == "cpu"


def _moved(before: Record, after: Record) -> Iterator[tuple[str, float]]:
    if before.masks and after.masks:
        yield "masks", after.masks.score.miou - before.masks.score.miou
    found = {one.segmentor: one.score.miou for one in after.segmentations}
    for one in before.segmentations:
        if one.segmentor in found:  # what is missing is told by the recipe
            yield one.segmentor, found[one.segmentor] - one.score.miou
