"""Kinds of supervision, and the letters by which tables name them.

A method reads parts of the data, which it declares as ``needs``, and files of weights, each of
which was trained with some kind of supervision.
"""

from collections.abc import Collection
from types import MappingProxyType
from typing import Literal, get_args

IMAGE_LABELS = "image_labels"
SALIENCY = "saliency"
REGIONS = "regions"
LANGUAGE = "language"
TRUTH = "truth"
SUPERVISION = frozenset({IMAGE_LABELS, SALIENCY, REGIONS, LANGUAGE})  # what ``needs`` may hold

WeightsKind = Literal[
    "image_labels",  # classes of images, as those of ImageNet
    "language",  # images with texts, or texts alone
    "self_supervised",  # images alone
    "class_agnostic_masks",  # masks without classes, as those that SAM learnt from
    "boxes",  # boxes of objects
    "pixel_labels",  # pixels of other images, as those of MS-COCO for a row on PASCAL VOC
    "truth",  # pixels of the dataset that is scored
]
StatedKind = Literal[  # what a pack may state that its method used
    "image_labels",
    "saliency",
    "regions",
    "language",
    "self_supervised",
    "class_agnostic_masks",
    "boxes",
    "pixel_labels",
]
STATED: tuple[str, ...] = get_args(StatedKind)
LETTERS = MappingProxyType(
    {
        IMAGE_LABELS: "I.",
        SALIENCY: "S.",
        LANGUAGE: "L.",
        REGIONS: "M.",
        "class_agnostic_masks": "M.",
        "self_supervised": "D.",
        "boxes": "B.",
        "pixel_labels": "P.",
        TRUTH: "F.",
    }
)

WORDS = MappingProxyType(
    {
        "I.": "image labels",
        "S.": "saliency maps",
        "L.": "language",
        "M.": "regions or class-agnostic masks",
        "D.": "self-supervised weights",
        "B.": "boxes",
        "P.": "pixel labels of other images",
        "F.": "ground truth, which no method may read",
    }
)


def letters_of(kinds: Collection[str]) -> str:
    """Their letters, as ``I.+L.``, in one order; F. alone where truth is among them, - for none."""
    if TRUTH in kinds:
        return LETTERS[TRUTH]
    present = dict.fromkeys(letter for kind, letter in LETTERS.items() if kind in kinds)
    return "+".join(present) or "-"
