"""What can be wrong with one image of a dataset: its pixels, labels, truth, maps and contexts."""

from collections.abc import Callable, Collection, Mapping
from functools import cached_property
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from wsss_harness.contract.errors import WsssError
from wsss_harness.contract.supervision import TRUTH, Dataset
from wsss_harness.contract.types import BACKGROUND, IGNORE, Image, Map, Mask, unknown_value
from wsss_harness.suite.saliency_check import is_faint
from wsss_harness.suite.truth_check import pixels_of
from wsss_harness.suite.truth_colours import palette_of_truth
from wsss_harness.system.palettes import is_voc

Part = TypeVar("Part")


class CheckedImage:
    """The parts of one image, each read once; ``sources`` are datasets with other saliency maps.

    ``lacks`` names what the dataset says it has not: TRUTH, or ``named_maps`` of a source.
    What cannot be read is None in the parts whose names say so, and is reported by its own check.
    """

    def __init__(
        self,
        dataset: Dataset,
        sources: Mapping[str, Dataset],
        image_id: str,
        lacks: Collection[str] = (),
    ) -> None:
        self.dataset, self.sources, self.image_id = dataset, sources, image_id
        self.lacks = lacks
        self.classes = len(dataset.classes)
        self._maps: dict[str, Map] = {}

    @cached_property
    def image(self) -> Image:
        return self.dataset.image(self.image_id)

    @cached_property
    def present(self) -> tuple[int, ...]:
        return self.dataset.present(self.image_id)

    @cached_property
    def truth(self) -> Mask:
        return self.dataset.truth(self.image_id)

    def saliency(self, name: str) -> Map:
        if name not in self._maps:
            self._maps[name] = self.sources[name].saliency(self.image_id)
        return self._maps[name]

    @cached_property
    def shape_or_none(self) -> tuple[int, ...] | None:
        return attempted(lambda: self.image.shape[:2])

    @cached_property
    def labels_or_none(self) -> set[int] | None:
        return attempted(lambda: set(self.present))

    @cached_property
    def truth_or_none(self) -> Mask | None:
        return None if TRUTH in self.lacks else attempted(lambda: self.truth)

    @cached_property
    def pixels_or_none(self) -> NDArray[np.int64] | None:
        """The number of pixels of each value of the truth."""
        return None if self.truth_or_none is None else attempted(lambda: pixels_of(self.truth))

    @cached_property
    def palette_or_none(self) -> bytes | None:
        """The palette of the file of the truth."""
        return attempted(lambda: palette_of_truth(self.dataset, self.image_id))

    @cached_property
    def drawn_or_none(self) -> set[int] | None:
        """The classes in the truth."""
        if self.pixels_or_none is None:
            return None
        return set(np.flatnonzero(self.pixels_or_none).tolist()) - {BACKGROUND, IGNORE}

    def map_or_none(self, name: str) -> Map | None:
        return None if named_maps(name) in self.lacks else attempted(lambda: self.saliency(name))


Check = Callable[[CheckedImage], str | None]  # what is wrong with an image


def named_maps(name: str) -> str:
    """What the saliency maps of a source are called, which may have any label, "truth" too."""
    return f"{name} maps"


def attempted(read: Callable[[], Part]) -> Part | None:
    """What a function of a dataset gives, or None if it fails."""
    try:
        return read()
    except Exception:  # plugins raise any kind; a check of its own reports it
        return None


def problem_of(check: Check, image: CheckedImage, owner: str) -> str | None:
    """What a check says of an image, whatever the code of the dataset ``owner`` raises."""
    try:
        problem = check(image)
    except WsssError as error:
        text = str(error)
        return text if image.image_id in text else f"{image.image_id}: {text}"
    except Exception as error:  # one image must not end the check of all others
        return f"{image.image_id}: dataset '{owner}' raised {type(error).__name__}: {error}"
    return f"{image.image_id}: {problem}" if problem else None


# Checks of every image


def bad_pixels(image: CheckedImage) -> str | None:
    pixels = image.image
    if pixels.dtype == np.uint8 and pixels.ndim == 3 and pixels.shape[2] == 3 and pixels.size:
        return None
    return f"its pixels are {pixels.dtype} {pixels.shape}; expected uint8 (H, W, 3)"


def bad_labels(image: CheckedImage) -> str | None:
    present = list(image.present)
    if present == sorted(set(present)) and set(present) <= set(range(1, image.classes + 1)):
        return None
    return f"its classes are {present}; expected ascending numbers in 1..{image.classes}"


def bad_truth(image: CheckedImage) -> str | None:
    truth, shape = image.truth, image.shape_or_none
    if truth.dtype != np.uint8 or truth.ndim != 2 or shape not in (None, truth.shape):
        return f"its truth is {truth.dtype} {truth.shape}; expected uint8 {shape}"
    if (unknown := unknown_value(truth, image.classes)) is not None:
        return f"its truth holds {unknown}; expected 0..{image.classes} or {IGNORE}"
    return None


def bad_palette(image: CheckedImage) -> str | None:
    if image.palette_or_none is None or is_voc(image.palette_or_none):
        return None
    path: Path = image.dataset.truth_path(image.image_id)  # type: ignore[attr-defined]
    return f"{path} has another palette"


def labels_without_pixels(image: CheckedImage) -> str | None:
    return _difference(image, image.labels_or_none, image.drawn_or_none)


def pixels_without_label(image: CheckedImage) -> str | None:
    return _difference(image, image.drawn_or_none, image.labels_or_none)


def _difference(image: CheckedImage, some: set[int] | None, others: set[int] | None) -> str | None:
    if some is None or others is None:
        return None
    names = dict(enumerate(image.dataset.classes, 1))
    return ", ".join(names.get(number, str(number)) for number in sorted(some - others)) or None


def bad_contexts(image: CheckedImage) -> str | None:
    for name, context in image.dataset.context(image.image_id).items():
        if context is not None and image.shape_or_none not in (None, context.shape):
            return f"its context {name} is {context.shape}; expected {image.shape_or_none}"
    return None


# Checks of saliency maps


def bad_map(name: str) -> Check:
    def check(image: CheckedImage) -> str | None:
        saliency, shape = image.saliency(name), image.shape_or_none
        if shape not in (None, saliency.shape):
            return f"its saliency is {saliency.shape}; expected {shape}"
        if not 0 <= saliency.min() <= saliency.max() <= 1:
            return f"its saliency is in [{saliency.min():g}, {saliency.max():g}]; expected [0, 1]"
        return None

    return check


def faint_map(name: str) -> Check:
    """A map of 0 and 1 in a file of 8 bits, or of 0..255 in one of 16."""

    def check(image: CheckedImage) -> str | None:
        saliency = image.map_or_none(name)
        if saliency is None or not is_faint(float(saliency.max())):
            return None
        return f"its largest level is {float(saliency.max()):.2g} of white"

    return check


def constant_map(name: str) -> Check:
    def check(image: CheckedImage) -> str | None:
        saliency = image.map_or_none(name)
        if saliency is None or saliency.min() != saliency.max():
            return None
        return f"it is {saliency.max():g} everywhere"

    return check
