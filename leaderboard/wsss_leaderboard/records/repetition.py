"""What the seeds of a row repeat: its draws, and which draws it shares with other rows.

Seeds repeat a method only as far as they draw its masks anew. Ten segmentors on one set of masks
are one draw of the method, and so are seeds whose masks are equal, whatever their records state.
"""

from collections.abc import Hashable, Sequence
from functools import partial
from statistics import fmean

from wsss_harness.suite.spec import AXES, Axis
from wsss_leaderboard.records.provenance import Step
from wsss_leaderboard.records.record import Record
from wsss_leaderboard.statistics.spreads import RowDraws, connected


def random_steps(record: Record, target: str) -> list[tuple[Axis, Step]]:
    """The steps that draw at random on the way to masks ("") or a segmentor, each with its axis."""
    steps: list[tuple[Axis, Step]] = []
    for step in record.steps:
        kind, _, name = step.stage.partition(" ")
        if kind == "pretrain":
            steps.append(("weights", step))
        elif kind == "fit":
            steps.append(("refiner" if _refines(step) else "generator", step))
        elif kind == "segment" and target and name.startswith(f"{target} on "):
            steps.append(("segmentor", step))
    return steps


def _refines(step: Step) -> bool:
    """Whether a fit learns from scores; older records have no inputs, but a name of both parts."""
    return "scores" in step.inputs or (not step.inputs and "+" in step.stage)


def masks_of(record: Record) -> str | None:
    """What identifies the masks: their digest, or the key of their stage in older records."""
    maker = record.maker()
    step = next((step for step in record.steps if step.key == maker), None)
    return (step.products or step.key) if step else None


def draws_of(records: Sequence[Record], target: str) -> list[list[int]]:
    """The places of the records of a row by the draw they belong to.

    Records belong to one draw if they have the same masks or the same generator, or if their
    generators start from weights that those of other records do not. A control that needs no
    generator draws its segmentor.
    """
    marks = [_marks(record, target) for record in records]
    everywhere = set.intersection(*marks) if marks else set()
    return connected(
        [{mark for mark in own if mark not in everywhere or mark[0] != "weights"} for own in marks]
    )


def _marks(record: Record, target: str) -> set[tuple[str, Hashable]]:
    """What no other draw has."""
    steps = random_steps(record, target)
    if record.control and all(axis in ("weights", "segmentor") for axis, _ in steps):
        return {("run", record.maker(target) or record.seed)}
    marks: set[tuple[str, Hashable]] = {("masks", masks_of(record) or record.seed)}
    for step in (step for axis, step in steps if axis == "generator"):
        marks.add(("generator", step.key))
        marks |= {("weights", key) for name, key in step.inputs.items() if name == "weights"}
    return marks


def draws(records: Sequence[Record], values: Sequence[float], target: str) -> RowDraws:
    """The draws of a row, from the value of each of its records."""
    return _averaged(records, values, target, draws_of(records, target))


def runs(records: Sequence[Record], values: Sequence[float], target: str) -> RowDraws:
    """Each record as a draw: for boards on which nothing repeats a whole method."""
    return _averaged(records, values, target, [[place] for place in range(len(records))])


def _averaged(
    records: Sequence[Record], values: Sequence[float], target: str, groups: list[list[int]]
) -> RowDraws:
    by_seed = {tuple(records[place].seed for place in places): places for places in groups}
    groups = [by_seed[seeds] for seeds in sorted(by_seed)]
    shares = [len(places) / len(records) for places in groups]
    return RowDraws(
        {seeds: fmean(values[p] for p in by_seed[seeds]) for seeds in sorted(by_seed)},
        groups,
        lineage(records, target, groups),
        fixed(records, target),
        1 / sum(share**2 for share in shares) if shares else 1.0,
        all(map(partial(is_deterministic, target=target), records)),
    )


def is_deterministic(record: Record, target: str) -> bool:
    """Whether a control or bound draws nothing on the way to its masks or its segmentor."""
    return record.control and bool(record.steps) and not random_steps(record, target)


def lineage(
    records: Sequence[Record], target: str, groups: Sequence[Sequence[int]]
) -> tuple[tuple[Hashable, ...], ...]:
    """The keys of what made the draws, a level for each step: generator, refiners, segmentor."""
    keys = [
        [step.key for axis, step in random_steps(record, target) if axis != "weights"]
        for record in records
    ]
    depth = min(map(len, keys), default=0)
    levels = (
        tuple(frozenset(keys[place][level] for place in places) for places in groups)
        for level in range(depth)
    )
    return tuple(levels) or ((records[0].method,),)


def fixed(records: Sequence[Record], target: str) -> frozenset[str]:
    """The axes that the records state not to vary, as far as they matter to the target."""
    matter = AXES if target else tuple(axis for axis in AXES if axis != "segmentor")
    return frozenset(axis for record in records for axis in matter if axis not in record.vary)
