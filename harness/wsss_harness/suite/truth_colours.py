"""Whether the palettes of truth show that its values are not the numbers of the classes."""

from collections import Counter
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from wsss_harness.contract.errors import DataError
from wsss_harness.contract.supervision import Dataset
from wsss_harness.contract.types import BACKGROUND
from wsss_harness.system import pictures
from wsss_harness.system.palettes import Colour, colour_table, palette, reordered


def palette_of_truth(dataset: Dataset, image_id: str) -> bytes | None:
    """The palette of the file of a truth; None if it has none, or if there is no such PNG."""
    path_of = getattr(dataset, "truth_path", None)
    try:
        return pictures.colours(path_of(image_id)) if path_of else None
    except DataError:  # whoever needs the truth says what is wrong with its file
        return None


@dataclass
class ColourTally:
    """The colours of the values in the truth of images of a dataset with some ``classes``.

    A dataset may have a palette of its own, even one that looks like PASCAL VOC's in another
    order. Then a value has the same colour in all files, and 0 that of the background. Tools that
    number the colours of each picture anew break one or the other.
    """

    classes: int
    colours: dict[int, Colour | None] = field(default_factory=dict)  # of each value at first
    values: dict[Colour, int] = field(default_factory=dict)  # of each colour at first
    moved: str = ""  # the first image in which a colour has another value than before
    reordered: str = ""  # the first image with colours of PASCAL VOC in another order
    recoloured: bool = False  # whether a value has several colours

    def add(self, image_id: str, pixels: NDArray[np.int64], triples: bytes | None) -> None:
        """Add an image by the pixels of each value of its truth, and its palette."""
        if triples is None:
            return
        drawn, table = np.flatnonzero(pixels).astype(np.uint8), colour_table(triples)
        times = Counter(table.values())  # unused entries often repeat black
        for value in drawn.tolist():
            colour = table.get(value)
            self.recoloured |= self.colours.setdefault(value, colour) != colour
            if colour and times[colour] == 1 and self.values.setdefault(colour, value) != value:
                self.moved = self.moved or image_id
        if not self.reordered and reordered(drawn, triples, palette(), self.classes):
            self.reordered = image_id

    def problem(self) -> str | None:
        """What is wrong if values are not the numbers of the classes."""
        black = colour_table(palette())[BACKGROUND]
        unlike = self.recoloured or self.colours.get(BACKGROUND, black) != black
        image_id = self.moved or (self.reordered if unlike else "")
        if not image_id:
            return None
        return (
            f"the palette of {image_id} has colours in another order than other images or PASCAL "
            "VOC, so its values are not the numbers of the classes: tools that convert colours to "
            "a palette number them anew in each file. Save the numbers of the classes themselves; "
            "if its values are these, save it as grey"
        )
