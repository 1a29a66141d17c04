"""The supervision of a row: labels, saliency maps, initial weights."""

from collections.abc import Collection

from wsss_harness.contract.supervision import IMAGE_LABELS, SALIENCY, TRUTH
from wsss_leaderboard.records.model import Fraction, StrictModel

UNKNOWN, STATED = "unknown", " (p)"


class InitialWeights(StrictModel):
    name: str
    trained_on: str
    digest: str


class Supervision(StrictModel):
    """What the row's plugins declared, and what its stages read.

    ``stated``: what a mask pack states that its method used; ``unknown`` if it does not.
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

    What a mask pack states is marked; ? if it states nothing.
    """
    if TRUTH in used:
        return "F."
    letters = {IMAGE_LABELS: "I.", SALIENCY: "S.", UNKNOWN: "?"}
    present = [letter for part, letter in letters.items() if part in {*used, *stated}]
    return ("+".join(present) or "-") + (STATED if stated else "")


class SaliencyQuality(StrictModel):
    """How well saliency maps find the foreground of the scored images, measured on their truth.

    ``detector``, ``trained_on``, ``digest``: known for maps that the suite names, empty for maps of
    the dataset.
    """

    iou: Fraction
    error: Fraction
    max_f: Fraction
    detector: str = ""
    trained_on: str = ""
    digest: str = ""
