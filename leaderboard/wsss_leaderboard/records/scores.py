"""The scores of masks and segmentors in a record."""

from collections.abc import Callable, Mapping
from typing import Annotated, Any, Literal, TypeVar

from pydantic import AfterValidator, Field

from wsss_harness.metrics import confusion
from wsss_harness.metrics.anatomy import CAUSES
from wsss_harness.metrics.curve import THRESHOLDS
from wsss_harness.suite.spec import Choice
from wsss_harness.system.models import Amount, Fraction, StrictModel

ERROR = "error"  # the key of the error of a plugin's metric, in place of its values
Policy = Literal["fixed", "held_out", "oracle"]
Fields = TypeVar("Fields", bound=Mapping[str, Any])


def requires(*names: str) -> Callable[[Fields], Fields]:
    """A check that these keys are present; others may be as well."""

    def check(fields: Fields) -> Fields:
        if missing := [name for name in names if name not in fields]:
            raise ValueError(f"{', '.join(missing)} missing")
        return fields

    return check


def at_thresholds(curve: tuple[float, ...]) -> tuple[float, ...]:
    """Check that a curve is empty or has a value for each threshold."""
    if curve and len(curve) != len(THRESHOLDS):
        raise ValueError(f"{len(curve)} values; expected {len(THRESHOLDS)}, or none")
    return curve


class Score(StrictModel):
    """Ratios of one set of masks: means over the classes present, and IoU by class.

    ``error``: the standard error of mIoU from the choice of images; ``t``: the half-width of its
    interval in standard errors (see ``estimates``). Both are None if they were not computed.
    """

    miou: Fraction
    precision: Fraction
    recall: Fraction
    iou: dict[str, Fraction | None]
    error: Amount | None = None
    t: Amount | None = None


def score_of(tallies: confusion.Counts, names: tuple[str, ...]) -> Score:
    """The score of (C + 1, 3) hits, truth and mask pixels of each class."""
    read = confusion.read_settled(tallies.T, names)
    return Score(
        miou=read["miou"], precision=read["mprecision"], recall=read["mrecall"], iou=read["iou"]
    )


def rule_words(name: str, options: Mapping[str, float]) -> str:
    """A background rule and its options in words, such as ``0.2`` or ``power alpha 4``."""
    first = [] if name == "constant" else [name]
    threshold = [f"{options['threshold']:g}"] if "threshold" in options else []
    others = [f"{option} {v:g}" for option, v in options.items() if option != "threshold"]
    return " ".join([*first, *threshold, *others])


class Thresholded(StrictModel):
    """The score of masks with a constant background score of ``threshold``."""

    threshold: Fraction
    score: Score


class Cause(StrictModel):
    """A cause of wrong pixels: the share of all pixels, and the mIoU gained if they were right."""

    share: Fraction | None
    gain: Annotated[float, Field(allow_inf_nan=False)]


def has_all_causes(anatomy: dict[str, Cause]) -> dict[str, Cause]:
    """Check that an anatomy is empty or has exactly the known causes."""
    if anatomy and set(anatomy) != set(CAUSES):
        raise ValueError(f"{', '.join(anatomy)}; expected {', '.join(CAUSES)}, or none")
    return anatomy


Anatomy = Annotated[dict[str, Cause], AfterValidator(has_all_causes)]


class Masks(StrictModel):
    """The pseudo-masks of the row, with its own rule and at other thresholds.

    ``curve``: mIoU at each of ``metrics.curve.THRESHOLDS``; empty if the rule has no threshold.
    ``anatomy``: wrong pixels by cause (see ``metrics.anatomy``).
    ``more``: the values of plugins' metrics, by metric; ``error`` if one could not be read.
    """

    images: int
    rule: str
    chosen_on: Choice
    score: Score
    others: dict[Policy, Thresholded]
    boundary: Annotated[dict[str, Fraction | None], AfterValidator(requires("f"))]
    cooccurrence: dict[str, Amount | None]
    large: Annotated[dict[str, Fraction | None], AfterValidator(requires("precision", "recall"))]
    anatomy: Anatomy = Field(default={})
    curve: Annotated[tuple[Fraction, ...], AfterValidator(at_thresholds)] = ()
    more: dict[str, dict[str, Any]] = Field(default={})


class Segmentation(StrictModel):
    """A segmentor trained on the masks, scored on val.

    ``mmseg``: the values of mmsegmentation's IoUMetric, in percent and rounded as it reports them.
    """

    segmentor: str
    images: int
    score: Score
    mmseg: Annotated[dict[str, Amount], AfterValidator(requires("mIoU"))]
    anatomy: Anatomy = Field(default={})
