"""Where the numbers of a record come from: protocol, stages and their cost, failures."""

import json
from typing import Any, Literal

import xxhash
from pydantic import Field

from wsss_leaderboard.records.model import Amount, StrictModel


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

    ``code``: the digest of the source of each module that it depends on; ``inputs``: the key of
    each stage that it read.
    """

    stage: str
    key: str
    options: dict[str, Any] = Field(default={})
    code: dict[str, str] = Field(default={})
    inputs: dict[str, str] = Field(default={})
    products: str = ""
    cost: Cost | None = None
    environment: dict[str, str] = Field(default={})
