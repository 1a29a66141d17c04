"""What may be wrong with masks and maps of others, although each can be read."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path

from wsss_harness.contract.errors import DataError
from wsss_harness.contract.supervision import Dataset
from wsss_harness.contract.types import BACKGROUND, IGNORE, Map, Mask, classes_in
from wsss_harness.suite.saliency_check import FAINT
from wsss_harness.suite.truth_colours import palette_of_truth
from wsss_harness.system import pictures
from wsss_harness.system.palettes import palette, reordered, same_colours

MOSTLY = 0.5  # a share of masks
ENOUGH = 20  # images from which no common class is no accident

UNLABELLED = "hold a class that is not in their image's label"
OTHER_COLOURS = "have another palette than the truth and PASCAL VOC"


class Doubts:
    """Looks at the masks or maps of a dataset one by one."""

    def __init__(self, dataset: Dataset) -> None:
        self.dataset = dataset
        self.masks = 0
        self.examples: dict[str, list[str]] = defaultdict(list)
        self.strangers = 0  # masks without any class of their image
        self.empty: list[str] = []  # images with a label whose masks hold no class
        self.drawn = False  # whether a mask holds a class
        self.ignored = False  # whether a mask has pixels of 255
        self.brightest: float | None = None

    def look_at_colours(self, image_id: str, mask: Mask, file: Path) -> None:
        """Compare the palette of a mask, read from ``file``, with that of the truth or of VOC.

        Raises:
            DataError: it has the same colours in another order.
        """
        triples = pictures.colours(file)
        if triples is None:
            return
        reference = palette_of_truth(self.dataset, image_id) or palette()
        refuse_reordered(mask, triples, len(self.dataset.classes), file, reference)
        if not any(same_colours(mask, triples, known) for known in (reference, palette())):
            self.examples[OTHER_COLOURS].append(str(file))

    def look_at_classes(self, image_id: str, mask: Mask) -> None:
        """Compare the classes of a mask with the image label."""
        self.masks += 1
        drawn = classes_in(mask)
        present = set(self.dataset.present(image_id))
        self.drawn |= bool(drawn)
        self.ignored |= bool((mask == IGNORE).any())
        if present and not drawn:
            self.empty.append(image_id)
        if strange := sorted(drawn - present):
            names = ", ".join(self.dataset.classes[number - 1] for number in strange)
            self.examples[UNLABELLED].append(f"image {image_id} ({names})")
            self.strangers += bool(present) and not drawn & present

    def look_at_maps(self, maps: Iterable[Map]) -> None:
        for values in maps:
            self.brightest = max(self.brightest or 0.0, float(values.max(initial=0)))

    def refuse(self) -> None:
        """Raise DataError if no mask has a class of its image: then values mean something else."""
        if self.ignored and not self.drawn and self.empty:
            raise DataError(
                f"none of the {self.masks} masks holds a class, such as that of {self.empty[0]}: "
                f"{BACKGROUND} is the background, {IGNORE} does not count; store the number of its "
                "class in each pixel of an object"
            )
        if self.strangers == self.masks >= ENOUGH:
            raise DataError(
                f"none of the {self.masks} masks has a class of its image's label, first "
                f"{self.examples[UNLABELLED][0]}; number the classes in the order of the dataset: "
                f"1 is {self.dataset.classes[0]}"
            )

    def warnings(self) -> Iterator[str]:
        for doubt, examples in self.examples.items():
            yield (
                f"{len(examples):,} of {self.masks:,} masks {doubt}, first {examples[0]}; look at "
                "one whether its values number the classes in the dataset's order"
            )
        if len(self.empty) > MOSTLY * self.masks:  # a method may find nothing in some images
            yield (
                f"{len(self.empty):,} of {self.masks:,} masks hold no class, although the label of "
                f"their image does, first image {self.empty[0]}; look at one whether its values "
                "are the numbers of classes"
            )
        if self.brightest is not None and self.brightest <= FAINT:
            yield (
                "no map is brighter than 1 of 255, so its scores are almost 0: maps of 0..1 must "
                "be multiplied by 255 before they are saved, with 16 bits by 65,535"
            )


def refuse_reordered(
    mask: Mask, triples: bytes | None, classes: int, owner: object, reference: bytes | None = None
) -> None:
    """Raise DataError if a mask has the colours of its classes, but numbers them in another order.

    ``triples``: its palette, if any. ``reference``: the palette that has the colours in order; by
    default that of PASCAL VOC.
    """
    if triples and reordered(mask, triples, reference or palette(), classes):
        raise DataError(
            f"{owner} has the colours of the classes in another order in its palette, so its "
            "values are not the numbers of the classes: tools that convert colours to a palette "
            "number them anew. Save the numbers of the classes themselves; if its values are "
            "these, save it as grey"
        )
