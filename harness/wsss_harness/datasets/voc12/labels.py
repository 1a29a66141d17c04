"""Image labels: from the annotations of VOC, or from the label file of psa and EPS."""

import pickle
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO
from xml.etree import ElementTree

import numpy as np
from numpy.lib import format as npy

from wsss_harness.contract.errors import DataError

CLASSES = (
    *("aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair", "cow"),
    *("diningtable", "dog", "horse", "motorbike", "person", "pottedplant", "sheep", "sofa"),
    *("train", "tvmonitor"),
)
Labels = dict[str, list[str]]

# What an array of numbers is pickled with, by the names of numpy 1 and 2. Nothing here acts.
HARMLESS = {
    *((f"numpy.{core}.multiarray", "_reconstruct") for core in ("core", "_core")),
    *((f"numpy.{core}.multiarray", "scalar") for core in ("core", "_core")),
    *((f"numpy.{core}.numeric", "_frombuffer") for core in ("core", "_core")),
    ("numpy", "ndarray"),
    ("numpy", "dtype"),
    ("_codecs", "encode"),
}


def from_annotation(content: bytes, name: str, difficult: bool) -> list[str]:
    """The classes of an annotation, in the order of CLASSES.

    Without ``difficult`` such objects count only where the image has no other (js-fan/ICD,
    core/utils/dataset_tools.py).

    Raises:
        DataError: it is not XML, or names another class.
    """
    try:
        objects = ElementTree.fromstring(content).findall("object")
    except ElementTree.ParseError as error:
        raise DataError(f"{name} is not an annotation of VOC ({error})") from None
    plain = [one for one in objects if one.findtext("difficult", "0").strip() != "1"]
    counted = objects if difficult else plain or objects
    found = {(one.findtext("name") or "").strip() for one in counted}
    if strange := sorted(found - set(CLASSES)):
        raise DataError(f"{name} has an object '{strange[0]}', which is no class of VOC 2012")
    return [one for one in CLASSES if one in found]


class _Numbers(pickle.Unpickler):
    """Reads what holds numbers and texts; anything that could run is refused before it does."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in HARMLESS:
            raise pickle.UnpicklingError(f"it would run {module}.{name}")
        return super().find_class(module, name)


def from_label_file(path: Path) -> Labels:
    """Labels of a .npy file that holds {image id: 20 zeros and ones}, as psa, EPS and irn have.

    irn's ids are numbers, 2007000032 for 2007_000032.

    Raises:
        DataError: it is damaged, holds something else, or would run code; nothing is run.
    """
    try:
        with path.open("rb") as file:
            content = _unpickled(file)
        return {_id(key): _names(value) for key, value in content.items()}
    except FileNotFoundError:
        raise DataError(f"{path} is missing") from None
    except Exception as error:  # a damaged pickle raises whatever its bytes make of it
        raise DataError(
            f"{path} is not read as image labels ({error}); expected the .npy file of psa or EPS "
            "with {image id: 20 zeros and ones}. Without it labels come from the annotations"
        ) from None


def _unpickled(file: BinaryIO) -> Mapping[Any, Any]:
    version = npy.read_magic(file)
    read = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}.get(version)
    if read is None:
        raise ValueError(f"its format is {version}, known are 1.0 and 2.0")
    _, _, kind = read(file)
    if not kind.hasobject:
        raise ValueError(f"it holds {kind}")
    array = _Numbers(file, encoding="latin1").load()
    content = array.item() if isinstance(array, np.ndarray) else array
    if not isinstance(content, Mapping):
        raise ValueError(f"it holds {type(content).__name__}")
    return content


def _id(key: object) -> str:
    if isinstance(key, int | np.integer):
        return f"{int(key) // 1_000_000:04d}_{int(key) % 1_000_000:06d}"
    if not isinstance(key, str) or not re.fullmatch(r"\d{4}_\d{6}", key):
        raise ValueError(f"{key!r} is no image id of VOC")
    return key


def _names(value: object) -> list[str]:
    vector = np.asarray(value, dtype=np.float64)
    if vector.shape != (len(CLASSES),) or not np.isin(vector, (0, 1)).all():
        raise ValueError(f"an image has {value!r}")
    return [name for name, present in zip(CLASSES, vector, strict=True) if present]
