"""The counts by image of a record, in a file beside it; intervals are computed from them.

Counts of images add up to the counts that the record's mIoU was read from, so any subset of images
can be scored again without the masks. The file holds plain arrays; nothing else is read from it.
"""

import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wsss_harness.contract.errors import DataError
from wsss_harness.metrics.confusion import Counts
from wsss_harness.system.files import array_writer

MASKS = ""  # the target of pseudo-masks; others are labels of segmentors
COUNTS = "counts"  # the folder beside the folder of records
MOST = 2 << 30  # bytes of an unpacked file
PROBLEMS = (  # errors of archives that are damaged or misdeclare their content
    *(OSError, ValueError, KeyError, EOFError, MemoryError, RuntimeError),
    *(zlib.error, zipfile.BadZipFile),
)


@dataclass(frozen=True, eq=False)
class Tallies:
    """``counts``, (n, C + 1, 3): hits, truth and mask pixels of each class of each of ``ids``."""

    ids: tuple[str, ...]
    counts: Counts


def path_of(record: Path) -> Path:
    return record.parent.with_name(COUNTS) / f"{record.stem}.npz"


def write(path: Path, tallies: Mapping[str, Tallies]) -> None:
    """Write tallies by target: MASKS, or the label of a segmentor; the same bytes each time."""
    with array_writer(path) as write_array:
        write_array("targets", np.array(list(tallies), str))
        for number, counted in enumerate(tallies.values()):
            write_array(f"ids{number}", np.array(counted.ids, str))
            write_array(f"counts{number}", counted.counts.astype("<i4"))


def read(path: Path, limit: int | None = None) -> dict[str, Tallies]:
    """The tallies by target, if they unpack to at most ``limit`` bytes, by default MOST.

    Raises:
        DataError: the file is missing, is no such file, or would take more bytes.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            size = sum(entry.file_size for entry in archive.infolist())
        if size > (limit or MOST):
            raise DataError(f"{path} unpacks to {size} bytes; at most {limit or MOST} are accepted")
        with np.load(path, allow_pickle=False) as arrays:
            targets = [str(target) for target in arrays["targets"]]
            return {name: _tallies(arrays, number) for number, name in enumerate(targets)}
    except FileNotFoundError:
        raise DataError(f"{path} is missing; run the suite again, or take it back") from None
    except PROBLEMS as error:
        raise DataError(f"{path} is no file of counts: {error}") from None


def _tallies(arrays: Mapping[str, NDArray[Any]], number: int) -> Tallies:
    ids, counts = arrays[f"ids{number}"], arrays[f"counts{number}"]
    if ids.dtype.kind != "U" or counts.dtype != np.dtype("<i4"):
        raise ValueError(f"ids are of {ids.dtype}, counts of {counts.dtype}")
    if counts.ndim != 3 or counts.shape[-1] != 3 or ids.shape != counts.shape[:1]:
        raise ValueError(f"{ids.shape} ids have counts of shape {counts.shape}")
    if counts.min(initial=0) < 0 or (counts[..., :1] > counts[..., 1:]).any():
        raise ValueError("a class has fewer pixels than hits, or fewer than none")
    return Tallies(tuple(map(str, ids)), counts.astype(np.int64))
