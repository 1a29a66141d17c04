"""Two rows side by side: in what they were made otherwise, by how much they differ, and where.

Differences are B less A. Their intervals are those of the ranking: of images and seeds, paired.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from wsss_harness.contract.errors import ConfigError
from wsss_leaderboard.ranking.components import note_of
from wsss_leaderboard.ranking.entries import Entry, LoadedRecord, entry_of, same_images
from wsss_leaderboard.ranking.means import independent_runs, means_of
from wsss_leaderboard.records.counts import MASKS
from wsss_leaderboard.records.record import Record
from wsss_leaderboard.statistics import estimates
from wsss_leaderboard.statistics.variances import variance_within

IMAGES = 20  # that are named, those that move the difference most


@dataclass(frozen=True)
class Setting:
    """What was otherwise in a ``part`` of the row; None where a side has no such thing."""

    part: str
    name: str
    a: Any
    b: Any


@dataclass(frozen=True)
class Change:
    """A figure of A and of B, fractions; ``reach``: from B - A to the ends of its 95 % interval.

    None where a figure or the interval does not exist.
    """

    name: str
    a: float | None
    b: float | None
    reach: float | None = None

    @property
    def difference(self) -> float | None:
        return None if self.a is None or self.b is None else self.b - self.a

    @property
    def told_apart(self) -> bool | None:
        """Whether the interval leaves out 0; None without an interval."""
        if self.difference is None or self.reach is None:
            return None
        return abs(self.difference) > self.reach


@dataclass(frozen=True)
class ImageChange:
    """One image: its share of wrong pixels, and its influence on the difference of mIoU."""

    image_id: str
    a: float
    b: float
    influence: float


@dataclass(frozen=True)
class TargetChange:
    """What differs on one target: MASKS, or the label of a segmentor.

    ``classes`` by size of their change; ``images`` the IMAGES that move the difference most;
    ``spread``: where the spread over seeds of A and B comes from, in words; ``seeds``: whether
    intervals have that spread in them, which takes several seeds of A or of B.
    """

    target: str
    miou: Change
    classes: tuple[Change, ...]
    images: tuple[ImageChange, ...]
    spread: tuple[str, ...] = ()
    seeds: bool = False


@dataclass(frozen=True)
class Comparison:
    """``unlike``: in what the protocols differ; then nothing is paired and no interval known."""

    a: str
    b: str
    settings: tuple[Setting, ...]
    targets: tuple[TargetChange, ...]
    unlike: tuple[str, ...] = ()

    def json(self) -> dict[str, Any]:
        content = asdict(self)
        for target, one in zip(content["targets"], self.targets, strict=True):
            for written, change in zip(
                (target["miou"], *target["classes"]), (one.miou, *one.classes), strict=True
            ):
                written |= {"difference": change.difference, "told_apart": change.told_apart}
        return content


def compare(
    a: Sequence[LoadedRecord], b: Sequence[LoadedRecord], anyway: bool = False
) -> Comparison:
    """The comparison of two rows, each given by the runs of its seeds.

    Raises:
        ConfigError: their protocols differ, and it is not to be done ``anyway``.
    """
    first, second = a[0].record, b[0].record
    unlike = tuple(unlike_of(first, second))
    if unlike and not anyway:
        raise ConfigError(
            f"'{first.method}' and '{second.method}' were measured differently: "
            f"{'; '.join(unlike)}. Such numbers say nothing about the methods; --anyway shows them "
            "beside each other, without intervals"
        )
    targets = [MASKS, *(label for label in labels_of(first) if label in labels_of(second))]
    return Comparison(
        name_of(a),
        name_of(b),
        tuple(settings(first, second)),
        tuple(on_target(a, b, target, paired=not unlike) for target in targets),
        unlike,
    )


def labels_of(record: Record) -> tuple[str, ...]:
    return tuple(record.recipe.get("segmentors", ()))


def name_of(runs: Sequence[LoadedRecord]) -> str:
    """The method, with its seeds."""
    seeds = ", ".join(str(run.record.seed) for run in runs)
    return f"{runs[0].record.method}, seed{'s' * (len(runs) > 1)} {seeds}"


def unlike_of(first: Record, second: Record) -> Iterator[str]:
    """In what two records were measured differently."""
    if first.dataset != second.dataset:
        yield f"dataset {first.dataset}, {second.dataset}"
    for (name, one), (_, other) in zip(first.protocol, second.protocol, strict=True):
        if one != other:
            yield f"{name.replace('_', ' ')} {one}, {other}"
    if not first.protocol.fingerprint and first.data != second.data:  # of version 1
        yield f"data {first.data}, {second.data}"


# Settings


def settings(first: Record, second: Record) -> Iterator[Setting]:
    """All that decided a row and is not the same, one run of each row looked at."""
    for part, here, there in zip(PARTS, parts_of(first), parts_of(second), strict=True):
        yield from _differing(part, here, there)
    ours, theirs = steps_of(first), steps_of(second)
    for step in dict.fromkeys((*ours, *theirs)):
        yield from _differing(step, ours.get(step, {}), theirs.get(step, {}))


PARTS = ("row", "plugins", "seeds", "source code", "environment")


def parts_of(record: Record) -> Iterator[Mapping[str, Any]]:
    """What a record says of the whole row, in the order of PARTS."""
    row = {"suite": record.suite, "supervision": record.sup, **record.recipe}
    environment: dict[str, set[str]] = {}
    for step in record.steps:
        for name, value in step.environment.items():
            environment.setdefault(name, set()).add(value)
    code = {name: digest[:8] for step in record.steps for name, digest in step.code.items()}
    yield flat({key: value for key, value in row.items() if key != "method"})
    yield record.plugins
    yield {str(axis): seed for axis, seed in record.seeds.items()} or {"all": record.seed}
    yield code
    yield {name: ", ".join(sorted(values)) for name, values in environment.items()}


def steps_of(record: Record) -> dict[str, Mapping[str, Any]]:
    """The options of each step by its place in the row, as "fit 2" or "segment DeepLab V1"."""
    found: dict[str, Mapping[str, Any]] = {}
    counted: dict[str, int] = {}
    for step in record.steps:
        kind, _, name = step.stage.partition(" ")
        counted[kind] = counted.get(kind, 0) + 1
        place = f"{kind} {counted[kind]}" if kind in ("fit", "score", "refine") else kind
        if kind in ("segment", "predict"):
            place = f"{kind} {name.partition(' on ')[0]}"
        found.setdefault(place, flat({k: v for k, v in step.options.items() if k != "seed"}))
    return found


def flat(options: Mapping[str, Any], above: str = "") -> dict[str, Any]:
    """Nested options by their path with dots."""
    found: dict[str, Any] = {}
    for name, value in options.items():
        inner = isinstance(value, Mapping) and value
        found |= flat(value, f"{above}{name}.") if inner else {f"{above}{name}": value}
    return found


def _differing(part: str, here: Mapping[str, Any], there: Mapping[str, Any]) -> Iterator[Setting]:
    for name in dict.fromkeys((*here, *there)):
        if here.get(name) != there.get(name):
            yield Setting(part, name, here.get(name), there.get(name))


# Differences


def on_target(
    a: Sequence[LoadedRecord], b: Sequence[LoadedRecord], target: str, paired: bool = True
) -> TargetChange:
    """What differs on one target; intervals and images only where images are ``paired``."""
    one, other = entry_of(a, target), entry_of(b, target)
    runs = [*one.runs, *other.runs]
    paired = paired and bool(one.estimate and other.estimate) and same_images(runs, target)
    miou = Change("mIoU", one.mean, other.mean, reach_of(one, other) if paired else None)
    others = {entry.method: entry for entry in by_class(other, paired)}
    classes = [
        Change(c.method, c.mean, others[c.method].mean, reach_of(c, others[c.method]))
        for c in by_class(one, paired)
        if c.method in others
    ]
    classes.sort(key=lambda change: -abs(change.difference or 0))
    images = tuple(moved(one, other)) if paired else ()
    spread = tuple(filter(None, (note_of(one), note_of(other))))
    seeds = paired and variance_within([independent_runs(one), independent_runs(other)]) is not None
    return TargetChange(target, miou, tuple(classes), images, spread, seeds)


def reach_of(a: Entry, b: Entry) -> float | None:
    """From the difference to the ends of its 95 % interval; None if there is no estimate."""
    if a.estimate is None or b.estimate is None:
        return None
    return float(means_of([a, b]).differences().reaches[0, 1])


def by_class(entry: Entry, estimated: bool) -> Iterator[Entry]:
    """For each class an entry whose values are its IoU; without values where a run has none."""
    scores = [score for run in entry.runs if (score := run.score(entry.target))]
    for number, name in enumerate(entry.runs[0].record.classes if scores else ()):
        values = tuple(value for score in scores if (value := score.iou[name]) is not None)
        estimate = None
        if estimated and len(values) == len(entry.runs):
            found = [run.tallies[entry.target].counts for run in entry.runs]
            estimate = estimates.mean_of([estimates.iou_of(one, number) for one in found])
            estimate = estimate if math.isfinite(estimate.t) else None
        yield Entry(name, entry.target, entry.kind, entry.runs, values, estimate)


def moved(a: Entry, b: Entry) -> Iterator[ImageChange]:
    """The images that move the difference of mIoU most."""
    if a.estimate is None or b.estimate is None:
        return
    influence = b.estimate.influence - a.estimate.influence
    before, after = wrong(a), wrong(b)
    ids = a.runs[0].tallies[a.target].ids
    for place in np.argsort(-np.abs(influence), kind="stable")[:IMAGES]:
        yield ImageChange(
            ids[place], float(before[place]), float(after[place]), float(influence[place])
        )


def wrong(entry: Entry) -> estimates.Floats:
    """The share of counted pixels of each image that are wrong, the mean of the runs."""
    counts = np.mean([run.tallies[entry.target].counts for run in entry.runs], 0)
    pixels = counts[..., 1].sum(1)
    found: estimates.Floats = 1 - counts[..., 0].sum(1) / np.maximum(pixels, 1)
    return found
