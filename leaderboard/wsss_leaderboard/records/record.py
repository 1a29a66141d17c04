"""One record for each row and seed: what was run, with which supervision, and the results.

Reading a record needs no plugin. Values are fractions at full precision; null means that a value
does not exist, and NaN is refused. record.schema.json beside this module is the JSON Schema.
Records of older versions are upgraded; fields that those did not have stay empty.
"""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from wsss_harness.contract.errors import DataError
from wsss_harness.suite.spec import AXES, Axis
from wsss_harness.system.files import read_json, write_json
from wsss_harness.system.models import StrictModel, validated
from wsss_leaderboard.records.provenance import (
    Failure,
    Protocol,
    SaliencyQuality,
    Step,
    Supervision,
    TruthUse,
    column_of,
)
from wsss_leaderboard.records.scores import Masks, Segmentation, requires

VERSION: Literal[2] = 2
Amount = Literal["wall_seconds", "cpu_seconds", "gpu_seconds"]
SCHEMA = Path(__file__).with_name("record.schema.json")


def lists_segmentors(recipe: dict[str, Any]) -> dict[str, Any]:
    """Check that the recipe lists its segmentors by label."""
    labels = requires("segmentors")(recipe)["segmentors"]
    if not isinstance(labels, list | tuple) or not all(isinstance(x, str) for x in labels):
        raise ValueError(f"segmentors is {labels!r:.60}; expected a list of labels")
    return recipe


class Record(StrictModel):
    """``plugins`` names the distribution and version of each part of the row.

    ``seed`` numbers the repetition of the row; ``seeds`` is the seed of each axis, empty in records
    of older versions.
    ``classes`` are the names of the classes in the order of the counts, the background first.
    ``definition`` is the whole suite as data; the row can be run again from it.
    ``counts`` is the digest of the file with its counts by image (see ``counts``), if it has one.
    ``selection``: what its store had scored on truth when it was submitted; None before that, and
    in older records.
    """

    schema_version: Literal[2] = VERSION
    suite: str
    dataset: str
    data: str
    classes: tuple[str, ...] = ()
    protocol: Protocol
    seed: int
    vary: tuple[Axis, ...] = AXES
    seeds: dict[Axis, int] = Field(default={})
    method: str
    control: bool
    recipe: Annotated[dict[str, Any], AfterValidator(lists_segmentors)]
    supervision: Supervision
    saliency: SaliencyQuality | None = None
    masks: Masks | None = None
    segmentations: tuple[Segmentation, ...] = ()
    plugins: dict[str, str] = Field(default={})
    steps: tuple[Step, ...]
    counts: str = ""
    definition: dict[str, Any] = Field(default={})
    failure: Failure | None = None
    selection: tuple[TruthUse, ...] | None = None

    def total(self, amount: Amount) -> float | None:
        """An amount of all its stages, shared ones included in full; None if no stage has it."""
        amounts = [getattr(step.cost, amount) for step in self.steps if step.cost]
        known = [value for value in amounts if value is not None]
        return sum(known) if known else None

    @property
    def peak_memory(self) -> int | None:
        """Bytes of its largest stage; None if no stage has them."""
        return max((s.cost.peak_memory or 0 for s in self.steps if s.cost), default=0) or None

    @property
    def sup(self) -> str:
        """The ``sup`` column; for a failed row, from what it declared as well as what it read."""
        return self.sup_of()

    def sup_of(self, target: str = "") -> str:
        """The ``sup`` column of its masks, or of a segmentor with the weights that it takes."""
        supervision = self.supervision
        late = supervision.promised if self.failure else ()
        used = supervision.used_by(target) if target else supervision.used
        return column_of({*used, *late}, supervision.stated)

    @property
    def rehearsal(self) -> bool:
        """Whether it is of few images and iterations, so that its numbers mean nothing."""
        return bool(self.definition.get("rehearsal"))

    @property
    def unscored(self) -> bool:
        """Whether its masks were made but not scored, because train has no truth."""
        return not self.protocol.images and self.masks is None and self.maker() is not None

    def part(self, target: str) -> Masks | Segmentation | None:
        """Its masks, or what this segmentor scored; None if it did not finish."""
        if not target:
            return self.masks
        return next((part for part in self.segmentations if part.segmentor == target), None)

    def maker(self, target: str = "") -> str | None:
        """The key of the stage that made its masks, or trained this segmentor; None if unfinished.

        The last such stage counts: masks may be made from seeds that a bound painted, or refined,
        and a single-stage generator, which no segmentor follows, predicts only.
        """
        trained = f"segment {target} on ", f"predict {target} on "
        begins = trained if target else ("mask ", "bound ", "remask ")
        keys = (step.key for step in reversed(self.steps) if step.stage.startswith(begins))
        return next(keys, None)


def by_method(records: Iterable[Record]) -> dict[str, list[Record]]:
    """The records of each method, its seeds together, in order of first appearance."""
    groups: dict[str, list[Record]] = {}
    for record in records:
        groups.setdefault(record.method, []).append(record)
    return groups


def distinct(records: Iterable[Record], target: str = "") -> list[Record]:
    """Records of a method, without those that share their masks, or segmentor, with an earlier one.

    Seeds that vary only the segmentor share masks; a mean must count those once.
    """
    runs: dict[object, Record] = {}
    for number, record in enumerate(records):
        runs.setdefault(record.maker(target) or number, record)
    return list(runs.values())


def save_record(record: Record, path: Path) -> None:
    write_json(path, record.model_dump(mode="json"))


def load_record(path: Path) -> Record:
    """The record in a file, of this version or an older one.

    Raises:
        DataError: names the file and the field that is wrong.
    """
    return validated(Record, migrated(read_json(path), path), path)


def migrated(content: Any, path: Path) -> Any:
    """The content of a record's file, upgraded to VERSION.

    Raises:
        DataError: its version is unknown, or it lacks a field of its version.
    """
    if not isinstance(content, dict):
        return content
    version = content.get("schema_version", VERSION)
    if type(version) is not int or not 1 <= version <= VERSION:
        raise DataError(
            f"{path}: field 'schema_version': {version!r:.40}; this version of wsss-bench reads "
            f"1 to {VERSION}: update wsss-bench if it is newer"
        )
    try:
        return _from_1(content) if version == 1 else content
    except (AttributeError, KeyError, TypeError, IndexError) as error:
        raise DataError(
            f"{path}: it says that it is of version {version}, but lacks fields of that "
            f"version ({error}); take it back from where it was made"
        ) from None


def _from_1(content: dict[str, Any]) -> dict[str, Any]:
    """Version 1 had a key and an environment for each stage, and the seconds of all together."""
    content = dict(content)
    keys, environments = content.pop("stages", {}), content.pop("environments", {})
    seconds = content.pop("seconds", None)
    masks = content.get("masks") or {}
    segmentations = content.get("segmentations") or [{}]
    content["steps"] = [
        {"stage": stage, "key": key, "environment": environments.get(stage, {})}
        for stage, key in keys.items()
    ]
    if content["steps"] and seconds is not None:
        content["steps"][-1]["cost"] = {"wall_seconds": seconds}
    content["protocol"] = {
        "fingerprint": content.pop("fingerprint", ""),
        "images": masks.get("images", 0),
        "val_images": segmentations[0].get("images", 0),
        "held_out": 0,
        "evaluator": 1,
    }
    return {**content, "schema_version": 2}


def load_records(folder: Path) -> tuple[Record, ...]:
    paths = sorted(folder.glob("*.json"))
    if not paths:
        raise DataError(f"there are no records in {folder}; run the suite first")
    return tuple(load_record(path) for path in paths)


def file_name(number: int, record: Record) -> str:
    """The file of a record in a results folder: sorted by row, then seed."""
    return f"{number:03d}-{slug(record.method)}-seed{record.seed}.json"


def slug(method: str) -> str:
    return re.sub(r"\W+", "-", method).strip("-").lower()
