"""What masks and segmentors scored, as a record holds it."""

from collections.abc import Callable, Mapping
from typing import Annotated, Any, Literal, TypeVar

from pydantic import AfterValidator, Field

from wsss_harness.metrics import confusion
from wsss_harness.metrics.anatomy import CAUSES
from wsss_harness.metrics.curve import THRESHOLDS
from wsss_harness.suite.spec import Choice
from wsss_leaderboard.records.model import Amount, Fraction, StrictModel

ERROR = "error"  # of a metric of a plugin, in place of what it reads
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


class Score(StrictModel):
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


def score_of(counts: confusion.Counts, names: tuple[str, ...]) -> Score:
    """The score of (C + 1, C + 2) counts of pixels by truth and mask."""
    read = confusion.read(counts, names)
    return Score(
        miou=read["miou"], precision=read["mprecision"], recall=read["mrecall"], iou=read["iou"]
    )


class Thresholded(StrictModel):
    """The score of masks with a constant background score, and on whose truth it was chosen."""

    threshold: Fraction
    score: Score


class Cause(StrictModel):
    """Of wrong pixels: their share of the counted ones, and what mending them adds to mIoU."""

    share: Fraction | None
    gain: Annotated[float, Field(allow_inf_nan=False)]


def all_causes(anatomy: dict[str, Cause]) -> dict[str, Cause]:
    """A check that a cause is neither missing nor unknown, where there is any."""
    if anatomy and set(anatomy) != set(CAUSES):
        raise ValueError(f"{', '.join(anatomy)}; expected {', '.join(CAUSES)}, or none")
    return anatomy


Anatomy = Annotated[dict[str, Cause], AfterValidator(all_causes)]


class Masks(StrictModel):
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
    anatomy: Anatomy = Field(default={})
    curve: Annotated[tuple[Fraction, ...], AfterValidator(at_thresholds)] = ()
    more: dict[str, dict[str, Any]] = Field(default={})


class Segmentation(StrictModel):
    """A segmentor trained on the masks, scored on val.

    ``mmseg`` is what mmsegmentation's IoUMetric reports, in percent and rounded by it.
    """

    segmentor: str
    images: int
    score: Score
    mmseg: Annotated[dict[str, Amount], AfterValidator(has("mIoU"))]
    anatomy: Anatomy = Field(default={})
