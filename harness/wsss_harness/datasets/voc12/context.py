"""Context maps out of PASCAL-Context, for the co-occurrence ratio of EPS."""

import re
from collections.abc import Collection
from pathlib import Path

import numpy as np
from PIL import Image as PillowImage

from wsss_harness.contract.errors import DataError
from wsss_harness.datasets.voc12.archives import Progress, members
from wsss_harness.datasets.voc12.pictures import label_map
from wsss_harness.system.files import atomic, write_json

# Lee et al., CVPR 2021, section 5: (railroad, train), (platform, train), (water, boat). The 459
# labels call the railroad "track".
PAIRS = (("water", "boat"), ("track", "train"), ("platform", "train"))
NAMES = tuple(context for context, _ in PAIRS)
LABEL = re.compile(r"^\s*(\d+)\s*:\s*(.+?)\s*$", re.MULTILINE)


def write_contexts(archive: Path, root: Path, ids: Collection[str], progress: Progress) -> int:
    """Write context/ID.png with the index of the context, and contexts.json; gives their number.

    Only some images are annotated: PASCAL-Context covers VOC 2010.
    """
    numbers = label_numbers(archive, progress)
    count = 0
    for name, content in members(archive, lambda name: name.endswith(".mat"), progress):
        image_id = Path(name).stem
        if image_id not in ids:
            continue
        labels = label_map(content, f"{archive}: {name}")
        write_index(root / "context" / f"{image_id}.png", labels, numbers)
        count += 1
    write_json(root / "contexts.json", {"names": NAMES, "pairs": PAIRS})
    return count


def label_numbers(archive: Path, progress: Progress) -> tuple[int, ...]:
    """The numbers of NAMES in labels.txt, whose lines are "number: name"."""
    found = dict(members(archive, lambda name: Path(name).name == "labels.txt", progress))
    beside = archive.parent / "labels.txt"
    if not found and not beside.is_file():
        raise DataError(
            f"{archive} has no labels.txt, and there is none beside it; it names the numbers of "
            "its maps: put the one of PASCAL-Context there"
        )
    text = next(iter(found.values())) if found else beside.read_bytes()
    numbers = {name: int(number) for number, name in LABEL.findall(text.decode())}
    if missing := [name for name in NAMES if name not in numbers]:
        raise DataError(f"labels.txt of {archive} does not name '{missing[0]}'")
    return tuple(numbers[name] for name in NAMES)


def write_index(
    path: Path,
    labels: "np.ndarray[tuple[int, ...], np.dtype[np.generic]]",
    numbers: tuple[int, ...],
) -> None:
    """Write the place of each pixel's label among ``numbers``, from 1, and 0 for all others."""
    index = np.zeros(labels.shape, np.uint8)
    for place, number in enumerate(numbers, 1):
        index[labels == number] = place
    with atomic(path) as temporary:
        PillowImage.fromarray(index).save(temporary, format="PNG")
