"""Where the numbers of a record come from: supervision, protocol, stages, cost, failures."""

import json
from collections.abc import Collection
from typing import Annotated, Any, Literal

import xxhash
from pydantic import Field

from wsss_harness.contract.kinds import IMAGE_LABELS, WeightsKind, letters_of
from wsss_harness.contract.weights import READ
from wsss_harness.system.models import Amount, Fraction, StrictModel

UNKNOWN, STATED = "unknown", " (p)"


SEGMENTS = ("segment ", "predict ")  # begin the names of stages of segmentors


class RecordedWeights(StrictModel):
    """A file of weights. ``kind``: with what supervision it was trained.

    ``given_as``: the names by which methods got it; ``read_by``: the stages that took it. Both are
    empty in older records.
    """

    name: str
    trained_on: str
    digest: str
    kind: WeightsKind = "image_labels"
    given_as: tuple[str, ...] = ()
    read_by: tuple[str, ...] = ()


class Supervision(StrictModel):
    """What the row's plugins declared, and what its stages read.

    ``stated``: what a mask pack states that its method used; ``unknown`` if it does not.
    ``selected_on``: splits on whose truth released weights were selected.
    """

    declared: tuple[str, ...]
    read: dict[str, tuple[str, ...]]
    weights: tuple[RecordedWeights, ...]
    stated: tuple[str, ...] = ()
    selected_on: tuple[str, ...] = ()

    @property
    def promised(self) -> set[str]:
        """What its plugins declared, and the kinds of the weights that the suite gives to them."""
        return {*self.declared, *(weights.kind for weights in self.weights)}

    @property
    def labels_at_inference(self) -> bool:
        return any(
            IMAGE_LABELS in parts
            for stage, parts in self.read.items()
            if stage.startswith(("score", "refine", "remask"))
        )

    @property
    def used(self) -> set[str]:
        """The kinds of supervision that went into the masks: of the data, and of weights."""
        read = {part for parts in self.read.values() for part in parts if READ not in part}
        return read | self._of_weights()

    def used_by(self, segmentor: str) -> set[str]:
        """Those that went into a segmentor: into its masks, and into the weights that it took."""
        return self.used | self._of_weights(*(f"{kind}{segmentor} on " for kind in SEGMENTS))

    def _of_weights(self, *starts: str) -> set[str]:
        """The kinds of the weights that stages took whose names start so; without any, masks."""
        readers = [(weights.kind, stage) for weights in self.weights for stage in weights.read_by]
        if not starts:
            return {kind for kind, stage in readers if not stage.startswith(SEGMENTS)}
        return {kind for kind, stage in readers if stage.startswith(starts)}

    @property
    def column(self) -> str:
        """The ``sup`` column of a finished row."""
        return column_of(self.used, self.stated)


def column_of(used: Collection[str], stated: Collection[str] = ()) -> str:
    """Letters of kinds of supervision; what a mask pack states is marked, ? if it says nothing."""
    letters = letters_of({*used, *stated})
    if UNKNOWN in stated and letters != "F.":
        letters = "?" if letters == "-" else f"{letters}+?"
    return letters + (STATED if stated and letters != "F." else "")


Count = Annotated[int, Field(ge=0)]


class TruthUse(StrictModel):
    """How often the store of a row had scored something on one truth when the row was submitted.

    ``list``: a digest of the ids of its images; ``own``: the row itself was scored on it.
    """

    split: Annotated[str, Field(pattern="^(train|val)$")]
    images: Count
    list: str
    own: bool
    masks: Count
    thresholds: Count
    checkpoints: Count

    @property
    def words(self) -> str:
        """Such as "214 sets of masks, 12,120 thresholds and 0 checkpoints on the truth of ..."."""
        sets = f"{self.masks:,} set{'s' * (self.masks != 1)} of masks"
        thresholds = f"{self.thresholds:,} threshold{'s' * (self.thresholds != 1)}"
        checkpoints = f"{self.checkpoints:,} checkpoint{'s' * (self.checkpoints != 1)}"
        split = f"{'' if self.own else 'another list of '}{self.split} ({self.images:,} images)"
        return f"{sets}, {thresholds} and {checkpoints} on the truth of {split}"


class SaliencyQuality(StrictModel):
    """How well saliency maps find the foreground of the scored images, measured on their truth.

    ``detector``, ``trained_on``, ``digest``: known for maps that the suite names, empty for maps of
    the dataset. ``resize``: the interpolation by which they were resized, if they were.
    """

    iou: Fraction
    error: Fraction
    max_f: Fraction
    detector: str = ""
    trained_on: str = ""
    digest: str = ""
    resize: str = ""


class Failure(StrictModel):
    """Why a row is not complete: the error's kind and message, and the last lines of the log."""

    message: str
    stage: str = ""
    kind: str = ""
    log_tail: tuple[str, ...] = ()


class Protocol(StrictModel):
    """How masks were measured; records of different protocols never share a table.

    ``fingerprint`` identifies the dataset, ``texts`` the prompts and background words beside it,
    if the suite has any, ``evaluator`` the version of the metrics. The truth of
    ``held_out`` train images may choose a threshold; ``images`` others were scored.
    ``ignored`` is the policy for 255 in masks (``metrics.confusion.settle``).
    """

    fingerprint: str = ""
    texts: str = ""
    images: int
    val_images: int
    held_out: int
    ignored: Literal["miss"] = "miss"
    evaluator: int

    @property
    def name(self) -> str:
        """Eight hexadecimal digits that identify the protocol."""
        without = set() if self.texts else {"texts"}  # as before there were any
        text = json.dumps(self.model_dump(mode="json", exclude=without), sort_keys=True)
        return xxhash.xxh3_64_hexdigest(text.encode())[:8]


class Cost(StrictModel):
    """As ``wsss_harness.system.meter.ResourceUse``, and the bytes that were written."""

    wall_seconds: Amount
    cpu_seconds: Amount | None = None
    peak_memory: int | None = None
    gpu_seconds: Amount | None = None
    gpu_peak_memory: int | None = None
    bytes: int | None = None


class Step(StrictModel):
    """A finished stage: everything that decides its bytes, its cost, and a digest of its products.

    ``code``: a digest of the source that it ran, for each package and plugin (older records: for
    each module); ``inputs``: the key of each stage that it read.
    """

    stage: str
    key: str
    options: dict[str, Any] = Field(default={})
    code: dict[str, str] = Field(default={})
    inputs: dict[str, str] = Field(default={})
    products: str = ""
    cost: Cost | None = None
    environment: dict[str, str] = Field(default={})
