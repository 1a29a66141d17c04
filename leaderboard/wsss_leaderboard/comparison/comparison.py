"""Two rows side by side: which settings differ, by how much the results differ, and where.

Differences are B - A. Their intervals are those of the ranking: over images and seeds, paired, with
the spread over seeds of all rows of their board.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from wsss_harness.contract.errors import ConfigError
from wsss_harness.suite.plan import flat
from wsss_leaderboard.ranking.components import note_of
from wsss_leaderboard.ranking.entries import Entry, LoadedRecord, entry_of, same_images
from wsss_leaderboard.ranking.ranking import Scope, differences
from wsss_leaderboard.records.counts import MASKS
from wsss_leaderboard.records.record import Record
from wsss_leaderboard.statistics import estimates

IMAGES = 20  # number of images that are listed, those that move the difference most


@dataclass(frozen=True)
class Setting:
    """A setting of a ``part`` of the row that differs; None if a side does not have it."""

    part: str
    name: str
    a: Any
    b: Any


@dataclass(frozen=True)
class Change:
    """A figure of A and of B, fractions; ``reach``: from B - A to the ends of its 95 % interval.

    None if a figure or the interval does not exist.
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
        """Whether the interval excludes 0; None without an interval."""
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
    """The differences on one target: MASKS, or the label of a segmentor.

    ``classes``: largest change first; ``images``: the IMAGES that move the difference most;
    ``spread``: where the spread over seeds of A and B comes from, in words; ``scope``: what
    intervals cover besides images (see ``ranking.scope_of``); ``rests_on``: how many of the scored
    images the difference of mIoU rests on.
    """

    target: str
    miou: Change
    classes: tuple[Change, ...]
    images: tuple[ImageChange, ...]
    spread: tuple[str, ...] = ()
    scope: Scope = "images"
    rests_on: float | None = None

    def told_apart(self, change: Change) -> bool | None:
        """Whether a difference is more than luck; None where no interval covers the draws."""
        return change.told_apart if self.scope == "draws" else None


@dataclass(frozen=True)
class Comparison:
    """``unlike``: how the protocols differ; if they do, nothing is paired and has an interval."""

    a: str
    b: str
    settings: tuple[Setting, ...]
    targets: tuple[TargetChange, ...]
    unlike: tuple[str, ...] = ()

    def json(self) -> dict[str, Any]:
        content = asdict(self)
        for fields, target in zip(content["targets"], self.targets, strict=True):
            changes = (target.miou, *target.classes)
            for written, change in zip((fields["miou"], *fields["classes"]), changes, strict=True):
                written |= {
                    "difference": change.difference,
                    "told_apart": target.told_apart(change),
                }
        return content


Runs = Sequence[LoadedRecord]  # the seeds of a row


def compare(a: Runs, b: Runs, peers: Sequence[Runs] = (), anyway: bool = False) -> Comparison:
    """The comparison of two rows; ``peers``: other rows of their board, which share their spread.

    Raises:
        ConfigError: their protocols differ, and ``anyway`` is false.
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
        tuple(on_target(a, b, target, peers, paired=not unlike) for target in targets),
        unlike,
    )


def labels_of(record: Record) -> tuple[str, ...]:
    return tuple(record.recipe.get("segmentors", ()))


def name_of(runs: Sequence[LoadedRecord]) -> str:
    seeds = ", ".join(str(run.record.seed) for run in runs)
    return f"{runs[0].record.method}, seed{'s' * (len(runs) > 1)} {seeds}"


def unlike_of(first: Record, second: Record) -> Iterator[str]:
    if first.dataset != second.dataset:
        yield f"dataset {first.dataset}, {second.dataset}"
    for (name, first_value), (_, second_value) in zip(first.protocol, second.protocol, strict=True):
        if first_value != second_value:
            yield f"{name.replace('_', ' ')} {first_value}, {second_value}"
    if not first.protocol.fingerprint and first.data != second.data:  # of version 1
        yield f"data {first.data}, {second.data}"


# Settings


def settings(first: Record, second: Record) -> Iterator[Setting]:
    """All settings that decide a result and differ, from one run of each row."""
    for part, first_part, second_part in zip(PARTS, parts_of(first), parts_of(second), strict=True):
        yield from _differing(part, first_part, second_part)
    first_steps, second_steps = steps_of(first), steps_of(second)
    for step in dict.fromkeys((*first_steps, *second_steps)):
        yield from _differing(step, first_steps.get(step, {}), second_steps.get(step, {}))


PARTS = ("row", "plugins", "seeds", "source code", "environment")


def parts_of(record: Record) -> Iterator[Mapping[str, Any]]:
    """The settings of the whole row, in the order of PARTS."""
    row = {"suite": record.suite, "supervision": record.sup, **record.recipe}
    yield flat({key: value for key, value in row.items() if key != "method"})
    yield record.plugins
    yield {str(axis): seed for axis, seed in record.seeds.items()} or {"all": record.seed}
    yield all_values({n: digest[:8] for n, digest in step.code.items()} for step in record.steps)
    yield all_values(step.environment for step in record.steps)


def all_values(settings: Iterable[Mapping[str, str]]) -> dict[str, str]:
    """All values of each setting, which may differ from step to step."""
    values: dict[str, set[str]] = defaultdict(set)
    for step in settings:
        for name, value in step.items():
            values[name].add(value)
    return {name: ", ".join(sorted(texts)) for name, texts in values.items()}


NUMBERED = ("fit", "score", "refine", "remask", "repredict")  # a row may have several of a kind


def steps_of(record: Record) -> dict[str, Mapping[str, Any]]:
    """The options of each step by its name in the row, as "fit 2" or "segment DeepLab V1"."""
    options: dict[str, Mapping[str, Any]] = {}
    numbers: dict[str, int] = {}
    for step in record.steps:
        kind, _, name = step.stage.partition(" ")
        numbers[kind] = numbers.get(kind, 0) + 1
        step_name = f"{kind} {numbers[kind]}" if kind in NUMBERED else kind
        if kind in ("segment", "predict"):
            step_name = f"{kind} {name.partition(' on ')[0]}"
        options.setdefault(step_name, flat({k: v for k, v in step.options.items() if k != "seed"}))
    return options


def _differing(part: str, first: Mapping[str, Any], second: Mapping[str, Any]) -> Iterator[Setting]:
    for name in dict.fromkeys((*first, *second)):
        if first.get(name) != second.get(name):
            yield Setting(part, name, first.get(name), second.get(name))


# Differences


def on_target(
    a: Runs, b: Runs, target: str, peers: Sequence[Runs] = (), paired: bool = True
) -> TargetChange:
    """The differences on one target; intervals and images only if images are ``paired``."""
    entry_a, entry_b = entry_of(a, target), entry_of(b, target)
    pair = entry_a, entry_b
    paired = paired and estimated(pair) == list(pair)
    between, reach = None, None
    if paired:
        between = differences(estimated([*pair, *(entry_of(runs, target) for runs in peers)]))
        reach = float(between.reaches[0, 1])
    return TargetChange(
        target,
        Change("mIoU", entry_a.mean, entry_b.mean, reach),
        tuple(class_changes(entry_a, entry_b, paired)),
        tuple(moved(entry_a, entry_b)) if paired else (),
        tuple(filter(None, map(note_of, pair))),
        between.scopes[0, 1] if between else "images",
        float(between.images[0, 1]) if between else None,
    )


def estimated(entries: Sequence[Entry]) -> list[Entry]:
    """Those with an estimate on the same images as the first."""
    first = entries[0].runs
    return [e for e in entries if e.estimate and same_images([*first, *e.runs], e.target)]


def reach_of(a: Entry, b: Entry, peers: Sequence[Entry] = ()) -> float | None:
    """From the difference to the ends of its 95 % interval; None if there is no estimate."""
    if a.estimate is None or b.estimate is None:
        return None
    return float(differences(estimated([a, b, *peers])).reaches[0, 1])


def class_changes(a: Entry, b: Entry, paired: bool) -> list[Change]:
    """The change of each class, the largest first; their spreads are of these two rows alone."""
    classes_b = {entry.method: entry for entry in by_class(b, paired)}
    changes = [
        Change(c.method, c.mean, classes_b[c.method].mean, reach_of(c, classes_b[c.method]))
        for c in by_class(a, paired)
        if c.method in classes_b
    ]
    return sorted(changes, key=lambda change: -abs(change.difference or 0))


def by_class(entry: Entry, estimated: bool) -> Iterator[Entry]:
    """For each class an entry whose values are its IoU in each run that has one."""
    scores = [score for run in entry.runs if (score := run.score(entry.target))]
    for number, name in enumerate(entry.runs[0].record.classes if scores else ()):
        values = tuple(value for score in scores if (value := score.iou[name]) is not None)
        estimate = None
        if estimated and len(values) == len(entry.runs):
            counts = [run.tallies[entry.target].counts for run in entry.runs]
            of_runs = [e for tallies in counts if (e := estimates.iou_of(tallies, number))]
            estimate = estimates.mean_of(of_runs) if len(of_runs) == len(counts) else None
        yield Entry(name, entry.target, entry.kind, entry.runs, values, estimate)


def moved(a: Entry, b: Entry) -> Iterator[ImageChange]:
    """The images that move the difference of mIoU most."""
    if a.estimate is None or b.estimate is None:
        return
    influence = b.estimate.influence - a.estimate.influence
    wrong_a, wrong_b = wrong(a), wrong(b)
    ids = a.runs[0].tallies[a.target].ids
    for image in np.argsort(-np.abs(influence), kind="stable")[:IMAGES]:
        yield ImageChange(
            ids[image], float(wrong_a[image]), float(wrong_b[image]), float(influence[image])
        )


def wrong(entry: Entry) -> estimates.Floats:
    """The share of counted pixels of each image that are wrong, the mean of the runs."""
    counts = np.mean([run.tallies[entry.target].counts for run in entry.runs], 0)
    pixels = counts[..., 1].sum(1)
    share: estimates.Floats = 1 - counts[..., 0].sum(1) / np.maximum(pixels, 1)
    return share
