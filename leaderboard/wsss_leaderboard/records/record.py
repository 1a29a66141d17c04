"""One record for each row and seed: what was run, on what supervision, and what came out.

A record is read without any plugin. Values are fractions at full precision; null is what does not
exist, never zero, and NaN is refused. record.schema.json beside this module is the JSON Schema.
"""

import json
from collections.abc import Callable, Collection, Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

import xxhash
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from wsss_harness.contract.errors import DataError
from wsss_harness.contract.supervision import IMAGE_LABELS, SALIENCY, TRUTH
from wsss_harness.metrics.anatomy import CAUSES
from wsss_harness.metrics.curve import THRESHOLDS
from wsss_harness.suite.spec import AXES, Axis, Choice
from wsss_harness.system.files import read_json, write_json
from wsss_leaderboard.records.migrations import VERSION, migrated

Fraction = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Amount = Annotated[float, Field(ge=0, allow_inf_nan=False)]
SCHEMA = Path(__file__).with_name("record.schema.json")
ERROR = "error"  # of a metric of a plugin, in place of what it reads
UNKNOWN, STATED = "unknown", " (p)"
Policy = Literal["fixed", "held_out", "oracle"]


Fields = TypeVar("Fields", bound=Mapping[str, Any])


def has(*names: str) -> Callable[[Fields], Fields]:
    """A check of the fields that readers take for granted; there may be others."""

    def check(found: Fields) -> Fields:
        if missing := [name for name in names if name not in found]:
            raise ValueError(f"{', '.join(missing)} missing")
        return found

    return check


def at_thresholds(curve: tuple[float, ...]) -> tuple[float, ...]:
    """A check that a curve has a value at each threshold, or none at all."""
    if curve and len(curve) != len(THRESHOLDS):
        raise ValueError(f"{len(curve)} values; expected {len(THRESHOLDS)}, or none")
    return curve


def of_row(recipe: dict[str, Any]) -> dict[str, Any]:
    """A check of the recipe: which segmentors it has, by label."""
    labels = has("segmentors")(recipe)["segmentors"]
    if not isinstance(labels, list | tuple) or not all(isinstance(x, str) for x in labels):
        raise ValueError(f"segmentors is {labels!r:.60}; expected a list of labels")
    return recipe


class Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Score(Part):
    """Ratios of one set of masks: means over the classes found, and IoU by class.

    ``error``: the standard error of mIoU that the choice of images gives; ``t``: how many of them
    from mIoU to the ends of its interval (see ``estimates``). None where neither was computed.
    """

    miou: Fraction
    precision: Fraction
    recall: Fraction
    iou: dict[str, Fraction | None]
    error: Amount | None = None
    t: Amount | None = None


class Thresholded(Part):
    """The score of masks with a constant background score, and on whose truth it was chosen."""

    threshold: Fraction
    score: Score


class Cause(Part):
    """Of wrong pixels: their share of the counted ones, and what mending them adds to mIoU."""

    share: Fraction | None
    gain: Annotated[float, Field(allow_inf_nan=False)]


def all_causes(found: dict[str, Cause]) -> dict[str, Cause]:
    """A check that a cause is neither missing nor unknown, where there is any."""
    if found and set(found) != set(CAUSES):
        raise ValueError(f"{', '.join(found)}; expected {', '.join(CAUSES)}, or none")
    return found


Anatomy = Annotated[dict[str, Cause], AfterValidator(all_causes)]


class Masks(Part):
    """The pseudo-masks of the row: as its rule makes them, and at other thresholds.

    ``curve``: mIoU at each of ``metrics.curve.THRESHOLDS``; empty if the rule has no threshold.
    ``anatomy``: the cause of every wrong pixel, as ``metrics.anatomy`` tells them apart.
    ``more`` holds what metrics of plugins read, by metric; ``error`` why one could not.
    """

    images: int
    rule: str
    chosen_on: Choice
    score: Score
    others: dict[Policy, Thresholded]
    boundary: Annotated[dict[str, Fraction | None], AfterValidator(has("f"))]
    cooccurrence: dict[str, Amount | None]
    large: Annotated[dict[str, Fraction | None], AfterValidator(has("precision", "recall"))]
    anatomy: Anatomy = {}
    curve: Annotated[tuple[Fraction, ...], AfterValidator(at_thresholds)] = ()
    more: dict[str, dict[str, Any]] = {}


class Segmentation(Part):
    """A segmentor trained on the masks, scored on val.

    ``mmseg`` is what mmsegmentation's IoUMetric reports, in percent and rounded by it.
    """

    segmentor: str
    images: int
    score: Score
    mmseg: Annotated[dict[str, Amount], AfterValidator(has("mIoU"))]
    anatomy: Anatomy = {}


class InitialWeights(Part):
    name: str
    trained_on: str
    digest: str


class Supervision(Part):
    """What the row's plugins declared, and what its stages read.

    ``stated`` is what a mask pack says that its method used; ``unknown`` where it does not say.
    """

    declared: tuple[str, ...]
    read: dict[str, tuple[str, ...]]
    weights: tuple[InitialWeights, ...]
    stated: tuple[str, ...] = ()

    @property
    def labels_at_inference(self) -> bool:
        return any(
            IMAGE_LABELS in parts
            for stage, parts in self.read.items()
            if stage.startswith(("score", "refine"))
        )

    @property
    def used(self) -> set[str]:
        """What any stage read."""
        return {part for parts in self.read.values() for part in parts}

    @property
    def column(self) -> str:
        """The ``sup`` column of a finished row."""
        return column_of(self.used, self.stated)


def column_of(used: Collection[str], stated: Collection[str] = ()) -> str:
    """F. for truth, I. for image labels, S. for saliency, - for nothing.

    What a pack states is marked, and ? where it states nothing.
    """
    if TRUTH in used:
        return "F."
    letters = {IMAGE_LABELS: "I.", SALIENCY: "S.", UNKNOWN: "?"}
    found = [letter for part, letter in letters.items() if part in {*used, *stated}]
    return ("+".join(found) or "-") + (STATED if stated else "")


class SaliencyQuality(Part):
    """How well saliency maps find the foreground of the scored images, measured on their truth.

    ``detector``, ``trained_on``, ``digest``: of maps that the suite names; of those of the dataset
    nothing is known.
    """

    iou: Fraction
    error: Fraction
    max_f: Fraction
    detector: str = ""
    trained_on: str = ""
    digest: str = ""


class Failure(Part):
    """Why a row is not complete: the error's kind and message, and the end of the stage's log."""

    message: str
    stage: str = ""
    kind: str = ""
    log_tail: tuple[str, ...] = ()


class Protocol(Part):
    """How masks were measured: records of different protocols share no table.

    ``fingerprint`` is that of the dataset, ``evaluator`` the version of the metrics. Of
    ``held_out`` train images the truth may choose a threshold; ``images`` others were scored.
    ``ignored`` is the policy for 255 in masks (``metrics.confusion.settle``).
    """

    fingerprint: str = ""
    images: int
    val_images: int
    held_out: int
    ignored: Literal["miss"] = "miss"
    evaluator: int

    @property
    def name(self) -> str:
        """Eight digits that no other protocol has."""
        text = json.dumps(self.model_dump(mode="json"), sort_keys=True)
        return xxhash.xxh3_64_hexdigest(text.encode())[:8]


class Cost(Part):
    """As ``wsss_harness.system.meter.Cost``, and the bytes that were written."""

    wall_seconds: Amount
    cpu_seconds: Amount | None = None
    peak_memory: int | None = None
    gpu_seconds: Amount | None = None
    gpu_peak_memory: int | None = None
    bytes: int | None = None


class Step(Part):
    """A finished stage: all that decided its bytes, what it cost, and a digest of its products.

    ``code`` has the digest of the source of each module that counts, ``inputs`` the key of each
    stage that it read.
    """

    stage: str
    key: str
    options: dict[str, Any] = {}
    code: dict[str, str] = {}
    inputs: dict[str, str] = {}
    products: str = ""
    cost: Cost | None = None
    environment: dict[str, str] = {}


class Record(Part):
    """``plugins`` names the distribution and version of each part of the row.

    ``seed`` numbers the repetition of the row; ``seeds`` says which seed each axis had in it, empty
    in records of older versions.
    ``classes`` are the names of the classes in the order of the counts, the background first.
    ``definition`` is the whole suite as data: what the row can be run from again.
    ``counts`` is the digest of the file with its counts by image (see ``counts``), if it has one.
    """

    schema_version: Literal[2] = VERSION
    suite: str
    dataset: str
    data: str
    classes: tuple[str, ...] = ()
    protocol: Protocol
    seed: int
    vary: tuple[Axis, ...] = AXES
    seeds: dict[Axis, int] = {}
    method: str
    control: bool
    recipe: Annotated[dict[str, Any], AfterValidator(of_row)]
    supervision: Supervision
    saliency: SaliencyQuality | None = None
    masks: Masks | None = None
    segmentations: tuple[Segmentation, ...] = ()
    plugins: dict[str, str] = {}
    steps: tuple[Step, ...]
    counts: str = ""
    definition: dict[str, Any] = {}
    failure: Failure | None = None

    @property
    def seconds(self) -> float | None:
        """Wall time of all its stages, shared ones counted in full; None if no stage has one."""
        known = [step.cost.wall_seconds for step in self.steps if step.cost]
        return sum(known) if known else None

    @property
    def sup(self) -> str:
        """The ``sup`` column; what a failed row declared counts, since it may not have read it."""
        late = self.supervision.declared if self.failure else ()
        return column_of({*self.supervision.used, *late}, self.supervision.stated)

    def maker(self, target: str = "") -> str | None:
        """The key of the stage that made its masks, or trained the segmentor of this label.

        None where it did not finish.
        """
        begins = (f"segment {target} on ",) if target else ("mask ", "bound ")
        made = (step.key for step in reversed(self.steps) if step.stage.startswith(begins))
        return next(made, None)  # the last: masks may come of seeds that a bound painted


def distinct(records: Iterable[Record], target: str = "") -> list[Record]:
    """Records of a method without those whose masks, or segmentor, are those of an earlier one.

    Seeds share masks where they vary the segmentor alone; a mean counts what they share once.
    """
    found: dict[object, Record] = {}
    for place, record in enumerate(records):
        found.setdefault(record.maker(target) or place, record)
    return list(found.values())


Model = TypeVar("Model", bound=BaseModel)


def validated(model: type[Model], content: Any, path: Path) -> Model:
    """The model that a file holds; DataError names the file and the field that is wrong."""
    try:
        return model.model_validate(content)
    except ValidationError as error:
        problem = error.errors()[0]
        field = ".".join(str(part) for part in problem["loc"])
        raise DataError(f"{path}: field '{field}': {problem['msg']}") from None


def schema() -> dict[str, Any]:
    """The JSON Schema of a record of this version."""
    return Record.model_json_schema(mode="serialization")


def save(record: Record, path: Path) -> None:
    write_json(path, record.model_dump(mode="json"))


def load(path: Path) -> Record:
    """The record in a file, of this version or an older one.

    Raises:
        DataError: names the file and the field that is wrong.
    """
    return validated(Record, migrated(read_json(path), path), path)


def load_all(folder: Path) -> tuple[Record, ...]:
    """All records of a results folder, in the order of their rows."""
    paths = sorted(folder.glob("*.json"))
    if not paths:
        raise DataError(f"there are no records in {folder}; run the suite first")
    return tuple(load(path) for path in paths)
