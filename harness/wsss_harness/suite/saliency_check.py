"""Whether the saliency maps that a suite reads can be as they are meant: 255 stands for 1."""

from collections.abc import Sequence

from wsss_harness.contract.errors import DataError
from wsss_harness.contract.supervision import SALIENCY, Dataset
from wsss_harness.plugins.registry import Plugins
from wsss_harness.stages.stage_data import TRAIN, WithSaliency
from wsss_harness.suite.presence import readers
from wsss_harness.suite.spec import Suite

FAINT = 1 / 255 + 1e-6  # the level 1 of a file of 8 bits, as float32; 257 of one of 16 bits
BRIGHTER = (
    "white, which is 255 or with 16 bits 65,535, stands for 1, so they are 0 nearly everywhere; "
    "multiply them by 255, or with 16 bits by 65,535 if their levels are 0 and 1, by 257 if their "
    "levels are 0..255"
)


def is_faint(largest: float) -> bool:
    """Whether the largest level of a map, or of several, is 1 of 255."""
    return 0 < largest <= FAINT


def maps_of(suite: Suite, dataset: Dataset) -> dict[str, Dataset]:
    """The dataset with each of the saliency maps of a suite whose folder exists."""
    return {
        label: WithSaliency(dataset, maps.path, maps.resize)
        for label, maps in suite.maps("saliency").items()
        if maps.path.is_dir()
    }


def check_levels(suite: Suite, plugins: Plugins, dataset: Dataset) -> None:
    """Refuse saliency maps that a row reads and that are 0 and 1, as in files of 8 bits.

    Raises:
        DataError: no map of train has a level above 1 of 255, though some have this level.
    """
    maps = maps_of(suite, dataset)
    for label, method in readers(suite, plugins, SALIENCY).items():
        source = dataset if label is None else maps.get(label)
        if source and (first := _first_faint(source, dataset.ids(TRAIN))):
            raise DataError(
                f"row '{method}' reads saliency maps ({label or 'of the dataset'}) whose largest "
                f"level is 1, such as that of {first}, but 255 stands for 1, so they are 0 nearly "
                "everywhere; multiply them by 255"
            )


def _first_faint(source: Dataset, ids: Sequence[str]) -> str | None:
    """The first map of levels 0 and 1 alone; None if any map has more, which ends the search."""
    first = None
    for image_id in ids:
        try:
            largest = float(source.saliency(image_id).max())
        except Exception:  # the stage that needs the map says what is wrong with it
            continue
        if largest > FAINT:
            return None
        first = first or (image_id if is_faint(largest) else None)
    return first
