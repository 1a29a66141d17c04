"""One record for each row and seed: what was run, on what supervision, and what came out.

A record is read without any plugin. Values are fractions at full precision; null is what does not
exist, never zero, and NaN is refused.
"""

from collections.abc import Collection
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from wsss_harness.errors import DataError
from wsss_harness.files import read_json, write_json
from wsss_harness.recipe import AXES, Axis, Choice
from wsss_harness.supervision import IMAGE_LABELS, SALIENCY, TRUTH

Fraction = Annotated[float, Field(ge=0, allow_inf_nan=False)]
ERROR = "error"  # of a metric of a plugin, in place of what it reads
UNKNOWN, STATED = "unknown", " (p)"
Policy = Literal["fixed", "held_out", "oracle"]


class Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Score(Part):
    """Ratios of one set of masks: means over the classes found, and IoU by class."""

    miou: Fraction
    precision: Fraction
    recall: Fraction
    iou: dict[str, Fraction | None]


class Thresholded(Part):
    """The score of masks with a constant background score, and on whose truth it was chosen."""

    threshold: Fraction
    score: Score


class Masks(Part):
    """The pseudo-masks of the row: as its rule makes them, and at other thresholds.

    ``more`` holds what metrics of plugins read, by metric; ``error`` why one could not.
    """

    images: int
    rule: str
    chosen_on: Choice
    score: Score
    others: dict[Policy, Thresholded]
    boundary: dict[str, Fraction | None]
    cooccurrence: dict[str, Fraction | None]
    large: dict[str, Fraction | None]
    more: dict[str, dict[str, Any]] = {}


class Segmentation(Part):
    """A segmentor trained on the masks, scored on val.

    ``mmseg`` is what mmsegmentation's IoUMetric reports, in percent and rounded by it.
    """

    segmentor: str
    images: int
    score: Score
    mmseg: dict[str, Fraction]


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


class Record(Part):
    schema_version: Literal[1] = 1
    suite: str
    dataset: str
    data: str
    fingerprint: str = ""
    seed: int
    vary: tuple[Axis, ...] = AXES
    method: str
    control: bool
    recipe: dict[str, Any]
    supervision: Supervision
    saliency: SaliencyQuality | None = None
    masks: Masks | None = None
    segmentations: tuple[Segmentation, ...] = ()
    stages: dict[str, str]
    seconds: Fraction
    environments: dict[str, dict[str, str]]
    failure: Failure | None = None

    @property
    def sup(self) -> str:
        """The ``sup`` column; what a failed row declared counts, since it may not have read it."""
        late = self.supervision.declared if self.failure else ()
        return column_of({*self.supervision.used, *late}, self.supervision.stated)


Model = TypeVar("Model", bound=BaseModel)


def validated(model: type[Model], content: Any, path: Path) -> Model:
    """The model that a file holds; DataError names the file and the field that is wrong."""
    try:
        return model.model_validate(content)
    except ValidationError as error:
        problem = error.errors()[0]
        field = ".".join(str(part) for part in problem["loc"])
        raise DataError(f"{path}: field '{field}': {problem['msg']}") from None


def save(record: Record, path: Path) -> None:
    write_json(path, record.model_dump(mode="json"))


def load(path: Path) -> Record:
    """The record in a file; DataError names the file and the field that is wrong."""
    return validated(Record, read_json(path), path)


def load_all(folder: Path) -> tuple[Record, ...]:
    """All records of a results folder, in the order of their rows."""
    paths = sorted(folder.glob("*.json"))
    if not paths:
        raise DataError(f"there are no records in {folder}; run the suite first")
    return tuple(load(path) for path in paths)
