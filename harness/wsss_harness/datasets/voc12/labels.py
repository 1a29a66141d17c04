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

# What the pickle of an array of numbers refers to, in numpy 1 and 2. None of it has side effects.
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

    If ``difficult`` is False, difficult objects count only in images without others (js-fan/ICD,
    core/utils/dataset_tools.py).

    Raises:
        DataError: it is not XML, or names an unknown class.
    """
    try:
        objects = ElementTree.fromstring(content).findall("object")
    except ElementTree.ParseError as error:
        raise DataError(f"{name} is not an annotation of VOC ({error})") from None
    easy = [item for item in objects if item.findtext("difficult", "0").strip() != "1"]
    counted = objects if difficult else easy or objects
    names = {(item.findtext("name") or "").strip() for item in counted}
    if unknown := sorted(names - set(CLASSES)):
        raise DataError(f"{name} has an object '{unknown[0]}', which is not a class of VOC 2012")
    return [class_name for class_name in CLASSES if class_name in names]


class _SafeUnpickler(pickle.Unpickler):
    """Reads numbers and texts; refuses everything else before it is called."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in HARMLESS:
            raise pickle.UnpicklingError(f"it would run {module}.{name}")
        return super().find_class(module, name)


def from_label_file(path: Path) -> Labels:
    """Labels of a .npy file that holds {image id: 20 zeros and ones}, as psa, EPS and irn have.

    irn's ids are numbers, 2007000032 for 2007_000032.

    Raises:
        DataError: it is missing or damaged, holds something else, or would run code, which is
            refused.
    """
    try:
        with path.open("rb") as file:
            content = _unpickle(file)
        return {_id(key): _names(value) for key, value in content.items()}
    except FileNotFoundError:
        raise DataError(f"{path} is missing") from None
    except Exception as error:  # a damaged pickle may raise any kind
        raise DataError(
            f"{path} cannot be read as image labels ({error}); use the .npy file of psa or EPS "
            "with {image id: 20 zeros and ones}, or none to take the labels of the annotations"
        ) from None


def _unpickle(file: BinaryIO) -> Mapping[Any, Any]:
    version = npy.read_magic(file)
    readers = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}
    if version not in readers:
        raise ValueError(f"its format is {version}; expected 1.0 or 2.0")
    _, _, kind = readers[version](file)
    if not kind.hasobject:
        raise ValueError(f"it holds {kind}")
    array = _SafeUnpickler(file, encoding="latin1").load()
    content = array.item() if isinstance(array, np.ndarray) else array
    if not isinstance(content, Mapping):
        raise ValueError(f"it holds {type(content).__name__}")
    return content


def _id(key: object) -> str:
    if isinstance(key, int | np.integer):
        return f"{int(key) // 1_000_000:04d}_{int(key) % 1_000_000:06d}"
    if not isinstance(key, str) or not re.fullmatch(r"\d{4}_\d{6}", key):
        raise ValueError(f"{key!r} is not an image id of VOC")
    return key


def _names(value: object) -> list[str]:
    vector = np.asarray(value, dtype=np.float64)
    if vector.shape != (len(CLASSES),) or not np.isin(vector, (0, 1)).all():
        raise ValueError(f"an image has the labels {value!r}")
    return [name for name, present in zip(CLASSES, vector, strict=True) if present]
