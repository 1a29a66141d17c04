"""Make a row again, from its weights or from scratch, and compare it with its record."""

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
from wsss_harness.execution.run_stage import dataset_of, make_stage
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
from wsss_leaderboard.submissions.agreement import differences
from wsss_leaderboard.submissions.definitions import stages_of

TRAINED = ("data", "pretrain", "fit", "segment")  # kinds of stages that tier 3 takes from the store
CLAIMED = ("classes", "control", "recipe", "seeds", "supervision")  # independent of the machine
MEASURED = ("counts", "masks", "plugins", "segmentations")  # equal if all bytes are


@dataclass(frozen=True)
class RemakeResult:
    """A row made again, compared with its record.

    ``stages``: number of compared stages. ``differing``: titles of stages with other bytes, in
    order. ``alike``: same versions, number of threads and CPU, so bytes should be equal.
    ``moved``: change of the mIoU of each target, a fraction. ``unlike``: other fields that differ;
    metrics and counts are compared only if all bytes are equal.
    """

    stages: int
    differing: tuple[str, ...]
    alike: bool
    moved: Mapping[str, float]
    unlike: tuple[str, ...] = ()


def remake(
    record: Record, suite: Suite, plugins: Plugins, store: Store, trained: bool
) -> RemakeResult:
    """Make a row again in a temporary store, with the ``trained`` stages of ``store`` or without.

    Raises:
        DataError: The weights are missing, or are not those of the record.
        StageFailure: A stage failed.
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
        _, remade = collector.save(RowOutcome(row), Path(folder) / RECORDS)
    return compare(record, remade, TRAINED if trained else ())


def lend(row: RowStages, record: Record, store: Store, scratch: Store) -> None:
    """Copy the trained stages of a row to another store, after a check that they are its own."""
    for stage in upstream(*row.targets):
        if stage.kind in TRAINED:
            _check_trained(stage, record, store)
            shutil.copytree(store.folder(stage), scratch.folder(stage), copy_function=_link)


def _check_trained(stage: Stage, record: Record, store: Store) -> None:
    recorded = next((step for step in record.steps if step.key == stage.key), None)
    if recorded is None:
        raise DataError(
            f"the record has no {stage.title} of this source, these options and this data; install "
            "the version that made the record, or verify only up to tier 2"
        )
    if not store.done(stage):
        raise DataError(f"{store.root} does not have {stage.title} ({stage.key}); give its --store")
    if problem := damage(store.folder(stage)):
        raise DataError(problem)
    if key_of(store.manifest(stage)["files"]) != recorded.products:
        raise DataError(
            f"{store.folder(stage)} is not what the record was made from: its bytes differ"
        )


def _link(source: str, target: str) -> None:
    """Link a file: finished stages are never written again, so two stores may share them."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)


@contextmanager
def as_recorded(record: Record) -> Iterator[None]:
    """Set torch to the number of threads that the record was made with."""
    recorded = [step.environment.get("threads", "") for step in record.steps]
    threads = [int(number) for number in recorded if number.isdecimal() and int(number) > 0]
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
    """Compare two records of one row, except the stages whose kinds were ``kept``."""
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
    for name in (*CLAIMED, *(MEASURED if same else ())):
        old, new = _comparable(before, name, same), _comparable(after, name, same)
        if name == "seeds" and not old:  # older versions did not record seeds
            continue
        if name == "masks" and old and new:  # masks scored again have no scores, so no curve
            new |= {part: old[part] for part in ("curve", "others") if not old[part]}
        yield from differences(old, new, name)


def _comparable(record: Record, name: str, same: bool) -> Any:
    """A field without digests of stages, and without those of weights unless bytes are equal."""
    value = record.model_dump()[name]
    if name == "supervision":
        value["read"] = {stage.rpartition(" ")[0]: parts for stage, parts in value["read"].items()}
        for weights in value["weights"]:
            weights["read_by"] = [stage.rpartition(" ")[0] for stage in weights["read_by"]]
            if not same:
                del weights["digest"]
    return value


def _alike(old: Step, new: Step) -> bool:
    """Whether two stages ran in the same environment; parts that one did not record are ignored."""
    shared = set(old.environment) & set(new.environment)
    same = all(old.environment[name] == new.environment[name] for name in shared)
    return same and new.environment.get("device") == "cpu"


def _moved(before: Record, after: Record) -> Iterator[tuple[str, float]]:
    if before.masks and after.masks:
        yield "masks", after.masks.score.miou - before.masks.score.miou
    mious = {part.segmentor: part.score.miou for part in after.segmentations}
    for part in before.segmentations:
        if part.segmentor in mious:  # a missing segmentor shows as a differing recipe
            yield part.segmentor, mious[part.segmentor] - part.score.miou
