"""Where the numbers of a record come from: supervision, protocol, stages, cost, failures."""

import json
from collections.abc import Collection
from typing import Any, Literal

import xxhash
from pydantic import Field

from wsss_harness.contract.supervision import IMAGE_LABELS, LETTERS, TRUTH
from wsss_leaderboard.records.model import Amount, Fraction, StrictModel

UNKNOWN, STATED = "unknown", " (p)"


class RecordedWeights(StrictModel):
    name: str
    trained_on: str
    digest: str


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
    def labels_at_inference(self) -> bool:
        return any(
            IMAGE_LABELS in parts
            for stage, parts in self.read.items()
            if stage.startswith(("score", "refine", "remask"))
        )

    @property
    def used(self) -> set[str]:
        return {part for parts in self.read.values() for part in parts}

    @property
    def column(self) -> str:
        """The ``sup`` column of a finished row."""
        return column_of(self.used, self.stated)


def column_of(used: Collection[str], stated: Collection[str] = ()) -> str:
    """F. for truth, I. for image labels, S. for saliency, M. for regions, - for nothing.

    What a mask pack states is marked; ? if it states nothing.
    """
    if TRUTH in used:
        return "F."
    letters = {**LETTERS, UNKNOWN: "?"}
    present = [letter for part, letter in letters.items() if part in {*used, *stated}]
    return ("+".join(present) or "-") + (STATED if stated else "")


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

    ``fingerprint`` identifies the dataset, ``evaluator`` the version of the metrics. The truth of
    ``held_out`` train images may choose a threshold; ``images`` others were scored.
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
        """Eight hexadecimal digits that identify the protocol."""
        text = json.dumps(self.model_dump(mode="json"), sort_keys=True)
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
