"""Masks of VOC and SBD, and context maps of PASCAL-Context, read from the archives and checked."""

import io
import re
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from scipy.io import loadmat

from wsss_harness.contract.errors import DataError
from wsss_harness.contract.types import IGNORE, Mask
from wsss_harness.datasets.voc12.archives import Progress, members
from wsss_harness.datasets.voc12.labels import CLASSES
from wsss_harness.system.files import write_json
from wsss_harness.system.palettes import palette
from wsss_harness.system.pictures import colours, read_indices, write_grey

# Lee et al., CVPR 2021, section 5: (railroad, train), (platform, train), (water, boat). The 459
# labels call the railroad "track".
CONTEXT_PAIRS = (("water", "boat"), ("track", "train"), ("platform", "train"))
CONTEXTS = tuple(context for context, _ in CONTEXT_PAIRS)
LABEL = re.compile(r"^\s*(\d+)\s*:\s*(.+?)\s*$", re.MULTILINE)
COLOURS = 3 * (len(CLASSES) + 1)


def palette_mask(content: bytes, name: str) -> Mask:
    """The class indices of a palette PNG of VOC.

    Raises:
        DataError: it is not a palette PNG in VOC's colours, or a value is not a class.
    """
    mask, triples = read_indices(content, name), colours(content, name)
    if triples is None:
        raise DataError(f"{name} is grey; masks of VOC are palette PNG")
    if triples[:COLOURS] != palette()[:COLOURS]:
        raise DataError(
            f"the palette of {name} is not that of PASCAL VOC, so its values may be other classes; "
            "use the official mask, or save the class indices with VOC's colours"
        )
    return _checked(mask, name)


def sbd_mask(content: bytes, name: str) -> Mask:
    """The class indices in a file of SBD's folder cls: GTcls.Segmentation.

    Raises:
        DataError: it is damaged or is not a file of SBD.
    """
    return _checked(_field(content, name, "GTcls", "Segmentation"), name)


def _matlab(content: bytes, name: str) -> Mapping[str, Any]:
    try:
        variables: Mapping[str, Any] = loadmat(io.BytesIO(content))
    except Exception as error:  # scipy raises many kinds for a damaged file
        raise DataError(
            f"{name} cannot be read as a MATLAB file ({error}); download its archive again"
        ) from None
    return variables


def _field(content: bytes, name: str, variable: str, part: str = "") -> np.ndarray[Any, Any]:
    variables = _matlab(content, name)
    try:
        value = variables[variable]
        return np.asarray(value[part][0, 0] if part else value)
    except (KeyError, IndexError, ValueError, TypeError):
        path = f"{variable}.{part}" if part else variable
        raise DataError(f"{name} has no {path}; download its archive again") from None


def _checked(mask: np.ndarray[Any, np.dtype[Any]], name: str) -> Mask:
    if mask.ndim != 2 or not np.isin(mask, [*range(len(CLASSES) + 1), IGNORE]).all():
        raise DataError(
            f"{name} holds {mask.dtype} {mask.shape} with values up to {mask.max(initial=0)}; "
            f"expected a mask with 0..{len(CLASSES)} or {IGNORE}"
        )
    return np.ascontiguousarray(mask, dtype=np.uint8)


def write_contexts(archive: Path, root: Path, ids: Collection[str], progress: Progress) -> int:
    """Write context/ID.png for the images of ``ids``, and contexts.json; return the number of maps.

    PASCAL-Context covers VOC 2010, so only some images have a map.
    """
    numbers = _context_numbers(archive, progress)
    count = 0
    for name, content in members(archive, lambda name: name.endswith(".mat"), progress):
        image_id = Path(name).stem
        if image_id not in ids:
            continue
        labels = _field(content, f"{archive}: {name}", "LabelMap")
        index = np.zeros(labels.shape, np.uint8)
        for context, number in enumerate(numbers, 1):
            index[labels == number] = context
        write_grey(root / "context" / f"{image_id}.png", index)
        count += 1
    write_json(root / "contexts.json", {"names": CONTEXTS, "pairs": CONTEXT_PAIRS})
    return count


def _context_numbers(archive: Path, progress: Progress) -> tuple[int, ...]:
    """The numbers of CONTEXTS in labels.txt, whose lines are "number: name"."""
    texts = dict(members(archive, lambda name: Path(name).name == "labels.txt", progress))
    separate = archive.parent / "labels.txt"
    if not texts and not separate.is_file():
        raise DataError(
            f"{archive} has no labels.txt, which names the labels of its maps; put the file of "
            f"PASCAL-Context at {separate}"
        )
    text = next(iter(texts.values())) if texts else separate.read_bytes()
    numbers = {name: int(number) for number, name in LABEL.findall(text.decode())}
    if missing := [name for name in CONTEXTS if name not in numbers]:
        raise DataError(
            f"labels.txt of {archive} does not name '{missing[0]}'; expected the labels.txt of "
            "PASCAL-Context"
        )
    return tuple(numbers[name] for name in CONTEXTS)
