"""Check that the runs of a submission repeat what they state to repeat."""

from collections.abc import Iterator, Mapping
from itertools import combinations
from pathlib import Path

from pydantic import BaseModel, ValidationError

from wsss_harness.suite.spec import AXES, Axis, Seeds
from wsss_leaderboard.records.counts import MASKS
from wsss_leaderboard.records.provenance import Step
from wsss_leaderboard.records.record import Record
from wsss_leaderboard.records.repetition import draws_of, random_steps


class StatedSeeds(BaseModel, extra="ignore", frozen=True):
    """What a suite says of its seeds; the rest of the suite is ignored."""

    seeds: Seeds = (0,)
    vary: tuple[Axis, ...] = AXES
    cross: dict[Axis, Seeds] = {}

    def of(self, axis: Axis, repetition: int) -> set[int]:
        """The seeds that an axis may have in a repetition."""
        if self.cross:
            return set(self.cross.get(axis, (0,)))
        return {repetition if axis in self.vary else self.seeds[0]}


def problems(records: Mapping[Path, Record]) -> Iterator[str]:
    """Where records disagree with the seeds of their suite, their stages, or each other."""
    for path, record in records.items():
        for problem in (*_unlike_suite(record), *_unlike_stages(record)):
            yield f"{path}: {problem}"
    for (path, record), (other_path, other) in combinations(records.items(), 2):
        for axis, step in _unvaried(record, other):
            yield (
                f"{path} and {other_path} state seeds {record.seeds.get(axis)} and "
                f"{other.seeds.get(axis)} of the {axis}, but share '{step.stage}': submit one of "
                f"them, or leave {axis} out of `vary`"
            )


def _unlike_suite(record: Record) -> Iterator[str]:
    if not record.definition:  # of an old version
        return
    try:
        suite = StatedSeeds.model_validate(record.definition)
    except ValidationError as error:
        yield f"definition.{'.'.join(map(str, error.errors()[0]['loc']))} is not what a suite has"
        return
    if record.vary != suite.vary:
        yield f"vary is {list(record.vary)}, its suite's is {list(suite.vary)}"
    for axis, seed in record.seeds.items():
        if seed not in suite.of(axis, record.seed):
            yield (
                f"seeds.{axis} is {seed}, its suite has {sorted(suite.of(axis, record.seed))} in "
                f"repetition {record.seed}"
            )


def _unlike_stages(record: Record) -> Iterator[str]:
    for axis, step in _steps(record):
        seed = step.options.get("seed")
        if axis in record.seeds and seed not in (None, record.seeds[axis]):
            yield f"'{step.stage}' had the seed {seed}, but seeds.{axis} is {record.seeds[axis]}"


def _unvaried(record: Record, other: Record) -> Iterator[tuple[Axis, Step]]:
    """The steps that two records share although they state different seeds of them."""
    keys = {step.key for _, step in _steps(other)}
    for axis, step in _steps(record):
        if step.key in keys and record.seeds.get(axis) != other.seeds.get(axis):
            yield axis, step


def _steps(record: Record) -> list[tuple[Axis, Step]]:
    """All steps that draw at random, each once."""
    targets = (MASKS, *(segmentation.segmentor for segmentation in record.segmentations))
    steps = [entry for target in targets for entry in random_steps(record, target)]
    return list({step.key: (axis, step) for axis, step in steps}.values())


def notes(records: Mapping[Path, Record]) -> Iterator[str]:
    """Say how many draws the runs are, if they are fewer."""
    drawn = len(draws_of(list(records.values()), MASKS))
    if drawn < len(records):
        yield (
            f"seeds: {len(records)} runs share masks or weights and count as {drawn} "
            f"draw{'s' * (drawn > 1)}"
        )
