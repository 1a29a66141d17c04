"""The selection ledger of a store: what was scored on which truth, removed stages included.

A folder for each truth holds an empty file for each thing that was scored on it. So processes may
note at once, a killed one leaves nothing half-written, and what is scored again counts once.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple
from urllib.parse import quote, unquote

import xxhash

from wsss_harness.contract.errors import DataError
from wsss_harness.store.housekeeping import StoredStage, stages
from wsss_harness.store.layout import SELECTION, name_and_key, short
from wsss_harness.store.manifest import key_of
from wsss_harness.store.work import Work
from wsss_harness.system.files import read_json

Unit = Literal["masks", "thresholds", "checkpoints"]
UNITS: tuple[Unit, ...] = ("masks", "thresholds", "checkpoints")
IDS = "ids.json"  # in stages that count: the images, in order
EARLIER_CURVE = 101  # thresholds of a curve that no ledger noted
NOTE = re.compile(rf"([^,]*),(\w+),(\d+),(\w+)/({'|'.join(UNITS)})-(\d+)-(\w+)")


class Truth(NamedTuple):
    """The truth of a list of images: how many they are, and the ``digest`` of their ids.

    It stays the same where a file of it is corrected, or other data beside it change: who selected
    on it before has selected on nearly the same pixels.
    """

    dataset: str
    split: str
    images: int
    digest: str

    @classmethod
    def of(cls, dataset: str, split: str, ids: Sequence[str]) -> "Truth":
        digest = xxhash.xxh3_64_hexdigest("\n".join(ids).encode())
        return cls(dataset, split, len(ids), digest)


class LedgerEntry(NamedTuple):
    """What was scored, by the key of what made it."""

    truth: Truth
    unit: str
    subject: str


@dataclass(frozen=True)
class Scoring:
    """What a stage scores on truth: ``count`` of a unit.

    ``subject``: the key of the masks or scores; empty for a fit, whose own files are scored.
    ``ids`` gives the images of the ``split`` whose truth it is.
    """

    unit: Unit
    split: str
    ids: Callable[[Work], Sequence[str]]
    subject: str = ""
    count: int = 1


def note(root: Path, entry: LedgerEntry, count: int) -> None:
    """Note what was scored in the store ``root``, and how many of its unit it is."""
    dataset, *rest = entry.truth
    folder = root / SELECTION / ",".join([quote(dataset, safe=""), *map(str, rest)])
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{entry.unit}-{count}-{short(entry.subject)}").touch()


def note_all(root: Path) -> None:
    """Note what all finished stages have scored, before some of them are removed.

    Those of older versions, and of other stores, have noted nothing here themselves.
    """
    for entry, count in _of_stages(root):
        note(root, entry, count)


def scored(root: Path) -> dict[Truth, Mapping[str, int]]:
    """How many of each unit were scored on each truth, in the order of truths."""
    entries = {**dict(_of_stages(root)), **dict(_noted(root))}
    counts: dict[Truth, Counter[str]] = {entry.truth: Counter() for entry in sorted(entries)}
    for entry, count in entries.items():
        counts[entry.truth][entry.unit] += count
    return {truth: {unit: counter[unit] for unit in UNITS} for truth, counter in counts.items()}


def _noted(root: Path) -> Iterator[tuple[LedgerEntry, int]]:
    folder = root / SELECTION
    names = (path.relative_to(folder).as_posix() for path in folder.glob("*/*"))
    for parts in filter(None, map(NOTE.fullmatch, names)):
        dataset, split, images, digest, unit, count, subject = parts.groups()
        truth = Truth(unquote(dataset), split, int(images), digest)
        yield LedgerEntry(truth, unit, subject), int(count)


# What finished stages have scored, as far as the store has the list of their images


def _of_stages(root: Path) -> Iterator[tuple[LedgerEntry, int]]:
    """What finished stages of any version have scored."""
    stored = stages(root)
    bounds = {name_and_key(stage.folder)[1] for stage in stored if stage.kind == "bound"}
    kinds = ("data", "curve", "measure", "metric", "fit")
    finished = [stage for stage in stored if stage.kind in kinds and stage.manifest]
    truths = _truths(finished)
    for stage in finished:
        for split, unit, subject, count in _scored_by(stage):
            truth = truths.get((_recipe(stage)["inputs"].get("data"), split))
            if truth and short(subject) not in bounds:
                yield LedgerEntry(truth, unit, short(subject)), count


def _recipe(stage: StoredStage) -> dict[str, Any]:
    assert stage.manifest
    recipe: dict[str, Any] = stage.manifest["recipe"]
    return recipe


def _truths(finished: Sequence[StoredStage]) -> dict[tuple[str, str], Truth]:
    """The truth on which stages have counted, by the key of their data and the split."""
    names = {stage.key: _recipe(stage)["name"] for stage in finished if stage.kind == "data"}
    truths: dict[tuple[str, str], Truth] = {}
    for stage in finished:
        data = _recipe(stage)["inputs"].get("data")
        if stage.kind in ("measure", "metric") and data in names:
            split = _split(stage)
            with suppress(DataError, TypeError):  # a list that is damaged
                if (data, split) not in truths:
                    ids = read_json(stage.folder / IDS)
                    truths[data, split] = Truth.of(names[data], split, ids)
    return truths


def _split(stage: StoredStage) -> str:
    return "val" if _recipe(stage)["options"].get("split") == "val" else "train"


def _scored_by(stage: StoredStage) -> Iterator[tuple[str, Unit, str, int]]:
    """The split, unit, key and number of what a stage has scored."""
    inputs, manifest = _recipe(stage)["inputs"], stage.manifest or {}
    if stage.kind in ("measure", "metric"):
        yield _split(stage), "masks", inputs["masks"], 1
    elif stage.kind == "curve":
        yield "train", "thresholds", inputs["scores"], EARLIER_CURVE
    elif stage.kind == "fit":
        for split in manifest["note"].get("selected_on", ()):
            yield split, "checkpoints", key_of(manifest["files"]), 1
