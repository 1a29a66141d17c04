"""Whether the truth of a dataset can be as it is meant: its values, its classes, its labels."""

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from random import Random

import numpy as np
from numpy.typing import NDArray

from wsss_harness.contract.errors import DataError
from wsss_harness.contract.findings import FAILURE, WARNING, Finding, judge
from wsss_harness.contract.supervision import Dataset, scored_ids, scores_masks
from wsss_harness.contract.types import BACKGROUND, IGNORE, Mask
from wsss_harness.stages.stage_data import SCORED, VAL
from wsss_harness.suite.truth_colours import ColourTally, palette_of_truth

SAMPLED = 200  # images of a split that a run looks at, if they have all classes
NEARLY_ALL, NEARLY_NONE = 0.9, 0.1  # shares of images
SHIFTED = 2  # images in which classes must be shifted before that is no accident
# Noisy labels may be meant; labels that are wrong in most images are not. Of 4,018 images of VOC, 0
# have none of their labels in the truth, although 217 lack some. Of 1,500 samples of 200 of them, 4
# had a class in the truth of at most 20 % of 5 or more images with its label; with the names of two
# classes swapped, 88 % of the samples had.
MOSTLY = 0.5  # a share of images above which a run is refused
STRANGE = 0.01  # a share of images
SELDOM, ENOUGH = 0.2, 5  # a share of the images with a label, and how many there must be
RARE = 0.02  # the share of background pixels below which 0 may mean void
SHIFTS = (-1, 0, 1)  # differences between the classes of masks and of image labels


@dataclass
class TruthTally:
    """What the truth of images holds: ``pixels`` of each value, and how it fits image labels.

    ``labelled`` images have both classes and labels; of these, ``labels`` counts those with the
    label of each class, ``agreed`` those of them whose truth has it too, and ``shifts`` those whose
    classes are the labels plus a number; ``strangers`` have no label that is in the truth.
    """

    classes: int
    pixels: NDArray[np.int64] = field(default_factory=lambda: np.zeros(256, np.int64))
    images: int = 0
    first: str = ""
    labelled: int = 0
    labels: Counter[int] = field(default_factory=Counter)
    agreed: Counter[int] = field(default_factory=Counter)
    strangers: list[str] = field(default_factory=list)
    shifts: dict[int, int] = field(default_factory=lambda: dict.fromkeys(SHIFTS, 0))
    colours: ColourTally = field(init=False)

    def __post_init__(self) -> None:
        self.colours = ColourTally(self.classes)

    def add(
        self,
        image_id: str,
        pixels: NDArray[np.int64],
        present: Collection[int],
        triples: bytes | None = None,
    ) -> None:
        """Add an image by the pixels of each value 0..255 of its truth, its labels and palette."""
        self.colours.add(image_id, pixels, triples)
        self.images += 1
        self.first = self.first or image_id
        self.pixels += pixels
        labels, values = set(present), set(np.flatnonzero(pixels).tolist()) - {IGNORE}
        if not labels or not values - {BACKGROUND}:
            return
        self.labelled += 1
        self.labels.update(labels)
        self.agreed.update(labels & values)
        if not labels & values:
            self.strangers.append(image_id)
        for shift in SHIFTS:
            unshifted = ({v - shift for v in seen} for seen in (values, values - {BACKGROUND}))
            self.shifts[shift] += any(labels == {v for v in seen if v > 0} for seen in unshifted)

    def has(self, values: range) -> bool:
        """Whether every one of these values is in a truth."""
        return bool(self.pixels[values.start : values.stop].all())


def pixels_of(truth: Mask) -> NDArray[np.int64]:
    """The number of pixels of each value 0..255."""
    return np.bincount(truth.ravel(), minlength=256)


def findings_of(tally: TruthTally, classes: Sequence[str], split: str) -> Iterator[Finding]:
    """What is wrong with the truth of a split, none of whose images may be readable."""
    if not tally.images:
        return
    yield judge(f"colours of {split} are numbered as classes", tally.colours.problem())
    yield judge(f"a class is in the truth of {split}", _no_class(tally, classes))
    otherwise = _numbered_otherwise(tally, classes)
    yield judge(f"truth and labels of {split} number classes alike", otherwise)
    if not otherwise:
        doubts = _wrong_labels(tally, classes)
        yield judge(f"image labels of {split} are in the truth", doubts, WARNING)
    yield judge(f"truth of {split} has background", _hidden_background(tally))
    if tally.pixels[1 : len(classes) + 1].any():
        yield judge(f"0 is background in the truth of {split}", _rare_background(tally), WARNING)
        absent = _absent(tally, classes, split)
        yield judge(f"every class is in the truth of {split}", absent, WARNING)


def _no_class(tally: TruthTally, classes: Sequence[str]) -> str | None:
    if tally.pixels[1 : len(classes) + 1].any():
        return None
    values = " and ".join(map(str, np.flatnonzero(tally.pixels)))
    return (
        f"the truth of all {tally.images:,} images, such as {tally.first}, holds only {values}: "
        f"{BACKGROUND} is the "
        f"background, {IGNORE} does not count, and 1..{len(classes)} are the classes; store the "
        "number of its class in each pixel of an object"
    )


def _numbered_otherwise(tally: TruthTally, classes: Sequence[str]) -> str | None:
    images, strange = tally.labelled, len(tally.strangers)
    shift = 0 if tally.shifts[0] > NEARLY_NONE * images else _shift(tally)
    if images < SHIFTED or not (shift or strange > MOSTLY * images):
        return None
    if shift:
        how = f"{tally.shifts[shift]:,} of {images:,} images has the image labels {shift:+d}"
    else:
        how = _strangers(tally)
    return (
        f"the truth of {how}; number the classes of masks from 1 in the order of the list, where "
        f"1 is {classes[0]!r}, or correct the list of classes or the image labels"
    )


def _shift(tally: TruthTally) -> int:
    """The number by which the classes of nearly all images differ from their labels; 0 if none."""
    least = NEARLY_ALL * tally.labelled
    return next((shift for shift in SHIFTS if shift and tally.shifts[shift] >= least), 0)


def _wrong_labels(tally: TruthTally, classes: Sequence[str]) -> str | None:
    doubts = [
        f"{name} is in the truth of {tally.agreed[number]:,} of {labels:,} images with its label"
        for number, name in enumerate(classes, 1)
        if (labels := tally.labels[number]) >= ENOUGH and tally.agreed[number] <= SELDOM * labels
    ]
    if len(tally.strangers) >= max(SHIFTED, STRANGE * tally.labelled):
        doubts.append(f"the truth of {_strangers(tally)}")
    if not doubts:
        return None
    return (
        f"{'; '.join(doubts)}; look whether two names are swapped in "
        "the list of classes, or whether these image labels are wrong"
    )


def _strangers(tally: TruthTally) -> str:
    first = tally.strangers[0]
    return (
        f"{len(tally.strangers):,} of {tally.labelled:,} images has none of the image labels, "
        f"first {first}"
    )


def _hidden_background(tally: TruthTally) -> str | None:
    ignored = tally.pixels[IGNORE] / tally.pixels.sum()
    if tally.pixels[BACKGROUND] or ignored < 0.5:
        return None
    return (
        f"no pixel of {tally.images:,} images, such as {tally.first}, is {BACKGROUND} and "
        f"{ignored:.0%} are {IGNORE}, so nothing that is painted on "
        f"the background counts as wrong; store the background as {BACKGROUND}"
    )


def _rare_background(tally: TruthTally) -> str | None:
    share = tally.pixels[BACKGROUND] / max(1, tally.pixels.sum() - tally.pixels[IGNORE])
    if share >= RARE:
        return None
    return (
        f"{share:.1%} of the pixels are background; if {BACKGROUND} means void in these masks, or "
        f"classes count from {BACKGROUND}, store void as {IGNORE} and number the classes from 1"
    )


def _absent(tally: TruthTally, classes: Sequence[str], split: str) -> str | None:
    absent = [name for number, name in enumerate(classes, 1) if not tally.pixels[number]]
    if not absent:
        return None
    return (
        f"{', '.join(absent)}: no image of {split} has it, so its IoU is 0 where a mask has it and "
        "undefined elsewhere; take it out of the list of classes, or score other images"
    )


def check_truth(dataset: Dataset, with_val: bool) -> list[Finding]:
    """Warnings about the truth of the scored images, and of val if segmentors are scored.

    Looks at some images of each split, and at more until it has seen every class.

    Raises:
        DataError: masks would be scored wrongly.
    """
    scored = {SCORED: scored_ids(dataset)} if scores_masks(dataset) else {}
    splits = {**scored, **({VAL: dataset.ids(VAL)} if with_val else {})}
    findings = [
        finding
        for split, ids in splits.items()
        for finding in findings_of(_tally(dataset, ids), dataset.classes, f"the {split} images")
    ]
    for finding in findings:
        if finding.outcome == FAILURE:
            raise DataError(f"{finding.check}: not so; {finding.message}")
    return [finding for finding in findings if finding.outcome == WARNING]


def _tally(dataset: Dataset, ids: Sequence[str]) -> TruthTally:
    tally, values = TruthTally(len(dataset.classes)), range(len(dataset.classes) + 1)
    for place, image_id in enumerate(Random(0).sample(ids, len(ids))):
        if place >= SAMPLED and tally.has(values):
            break
        try:
            truth, present = dataset.truth(image_id), dataset.present(image_id)
            triples = palette_of_truth(dataset, image_id)
            tally.add(image_id, pixels_of(truth), present, triples)
        except Exception:  # the stage that needs the image says what is wrong with it
            continue
    return tally
