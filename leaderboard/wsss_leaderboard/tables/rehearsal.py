"""What a rehearsal found, stage by stage, and what the whole suite would cost."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rich.filesize import decimal

from wsss_leaderboard.tables.table import NOTHING, Column, Table, TableRow

PASSED, FAILED, MISSED = "passed", "FAILED", "not run"
READING = (
    "A step: seconds of an iteration where networks train, else of an image. Time, disk: of the "
    "whole suite, one stage after another, without what each takes to start."
)


@dataclass(frozen=True)
class Rehearsed:
    """A stage, or several light ones of a kind.

    ``step_seconds``: of an iteration where it trains, else of an image. ``seconds`` and ``bytes``
    are those of the whole suite, over its seeds; None if they cannot be told. ``memory``: bytes at
    the peak.
    """

    title: str
    state: str
    heavy: bool = True
    step_seconds: float | None = None
    memory: int = 0
    seconds: float | None = 0.0
    bytes: float = 0.0
    count: int = 1


def rehearsal_table(
    title: str, stages: Sequence[Rehearsed], failures: Iterable[str], notes: Iterable[str]
) -> Table:
    """Heavy stages one by one, others by kind; ``failures`` begin with what failed."""
    columns = [Column("Stage", words=True)]
    columns += map(Column, ("result", "a step", "memory", "time", "disk"))
    heavy = [stage for stage in stages if stage.heavy]
    shown = [*heavy, *merged(stage for stage in stages if not stage.heavy)]
    rows = [*map(row_of, shown), total_of(stages)]
    footnotes = [f"{FAILED} {failure}" for failure in failures]
    return Table(title, tuple(columns), tuple(rows), (*footnotes, *notes, READING))


def merged(stages: Iterable[Rehearsed]) -> list[Rehearsed]:
    """One line for all stages of a kind that ended alike."""
    groups: dict[tuple[str, str], list[Rehearsed]] = defaultdict(list)
    for stage in stages:
        groups[stage.title.partition(" ")[0], stage.state].append(stage)
    return [
        Rehearsed(
            title=f"{kind} ({len(group)} stages)" if group[1:] else group[0].title,
            state=state,
            memory=max(stage.memory for stage in group),
            seconds=sum(stage.seconds or 0 for stage in group),
            bytes=sum(stage.bytes for stage in group),
        )
        for (kind, state), group in groups.items()
    ]


def row_of(stage: Rehearsed) -> TableRow:
    step = NOTHING
    if stage.step_seconds is not None:
        step = f"{stage.step_seconds:.3g} s"
    memory = decimal(stage.memory) if stage.memory else NOTHING
    time = NOTHING if stage.seconds is None else duration(stage.seconds)
    costs = (memory, time, decimal(round(stage.bytes))) if stage.state == PASSED else (NOTHING,) * 3
    return TableRow((stage.title, stage.state, step, *costs))


def total_of(stages: Sequence[Rehearsed]) -> TableRow:
    passed = [stage for stage in stages if stage.state == PASSED]
    seconds, size = sum(s.seconds or 0 for s in passed), sum(s.bytes for s in passed)
    least = "" if all(s.state == PASSED and s.seconds is not None for s in stages) else "> "
    memory = decimal(max((stage.memory for stage in passed), default=0))
    costs = (f"{least}{duration(seconds)}", f"{least}{decimal(round(size))}")
    return TableRow(("all", f"{len(passed)}/{len(stages)}", "", memory, *costs))


def duration(seconds: float) -> str:
    """Seconds in readable form: 4 s, 3 min, 2 h 10 min, 3 d 4 h."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    if minutes < 90:
        return f"{minutes} min"
    hours = round(seconds / 3600)
    return (
        f"{minutes // 60} h {minutes % 60} min" if hours < 48 else f"{hours // 24} d {hours % 24} h"
    )
