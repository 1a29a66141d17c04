"""Class scores on disk: compact, without pickle, and exact at the thresholds of the curve.

A value v in (0, 1) is stored as the bin k with (k - 1) / 200 < v <= k / 200 and read back as the
middle of the bin, so `v > t` holds for every t = 0.00, 0.01, ... 1.00 exactly when it held before.
The values 0 and 1 are exact, and the largest class stays the largest. Bins are predicted from their
left and upper neighbours and deflated.
"""

import json
import math
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wsss_harness.contract.errors import DataError, PluginError
from wsss_harness.contract.types import ClassScores
from wsss_harness.system.files import atomic

BINS = 200
ONE = BINS + 1
EDGES = (np.arange(BINS + 1) / BINS).astype(np.float32)
MAGIC = b"WSSS1\n"
PROBLEMS = (
    *(ValueError, LookupError, TypeError, OverflowError, RecursionError),
    *(struct.error, zlib.error, PluginError),
)
HEAD = struct.Struct("<II")  # length and checksum of the header; deflated data has its own


def to_bins(values: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Bins 1..200 of values in (0, 1), 0 for 0 and 201 for 1."""
    bins = np.searchsorted(EDGES, values, side="left").astype(np.uint8)
    return np.where(values == 1, np.uint8(ONE), bins)


def keep_largest(bins: NDArray[np.uint8], values: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Bins, (K, H, W), in which the class with the largest value is the first of the largest bins.

    Where an earlier class shares its bin, the two are separated; both stay in their hundredth,
    which has an odd and an even bin.
    """
    if len(values) < 2:
        return bins
    winner = values.argmax(0)[None]
    top = np.take_along_axis(bins, winner, 0)
    tied = (bins == top) & (np.arange(len(values))[:, None, None] < winner)
    odd = top % 2 == 1
    separated: NDArray[np.uint8] = bins - (tied & ~odd)
    np.put_along_axis(separated, winner, top + (tied.any(0) & odd), 0)
    return separated


def from_bins(bins: NDArray[np.uint8]) -> NDArray[np.float32]:
    middles = (np.arange(ONE + 1, dtype=np.float64) - 0.5) / BINS
    middles[[0, ONE]] = 0, 1
    values: NDArray[np.float32] = middles.astype(np.float32)[bins]
    return values


def write_scores(path: Path, scores: ClassScores) -> None:
    """Write ``scores``; equal scores give equal bytes."""
    bins = keep_largest(to_bins(scores.values), scores.values)
    if scores.background is not None:
        bins = np.concatenate([bins, to_bins(scores.background)[None]])
    header = {
        "classes": list(scores.classes),
        "shape": list(bins.shape),
        "background": scores.background is not None,
    }
    head = json.dumps(header, sort_keys=True).encode()
    with atomic(path) as temporary:
        body = zlib.compress(_residuals(bins).tobytes(), 6)
        temporary.write_bytes(MAGIC + HEAD.pack(len(head), zlib.crc32(head)) + head + body)


def read_scores(path: Path) -> ClassScores:
    """Read what ``write_scores`` wrote; DataError names a missing or damaged file."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise DataError(f"{path} is missing") from None
    try:
        return _parse(content, None)
    except PROBLEMS as error:
        raise DataError(f"{path} is damaged ({error}); delete it and run again") from None


def parse(content: bytes, owner: str, largest: tuple[int, int, int]) -> ClassScores:
    """Scores from bytes of an unknown source, at most ``largest`` (maps, H, W), exactly H x W.

    Nothing is unpacked before this is known. DataError names ``owner``.
    """
    try:
        return _parse(content, largest)
    except PROBLEMS as error:
        raise DataError(f"{owner} cannot be read ({error})") from None


def _parse(content: bytes, largest: tuple[int, int, int] | None) -> ClassScores:
    if not content.startswith(MAGIC):
        raise ValueError("it is not a score file")
    length, checksum = HEAD.unpack_from(content, len(MAGIC))
    start = len(MAGIC) + HEAD.size
    head, body = content[start : start + length], content[start + length :]
    if zlib.crc32(head) != checksum:
        raise ValueError("its header has changed")
    header: dict[str, Any] = json.loads(head)
    maps, *size = shape = tuple(int(length) for length in header["shape"])
    if largest is not None and (maps > largest[0] or tuple(size) != largest[1:]):
        raise ValueError(f"it holds maps of shape {shape}; expected at most {largest}")
    if min(shape) < 0:
        raise ValueError(f"it holds maps of shape {shape}")
    stream = zlib.decompressobj()
    residuals = np.frombuffer(stream.decompress(body, math.prod(shape) + 1), np.uint8)
    if not stream.eof:
        raise ValueError("its maps are not what its header says")
    read = from_bins(_restored(residuals.reshape(shape)))
    values, background = (read[:-1], read[-1]) if header["background"] else (read, None)
    return ClassScores(_classes(header["classes"]), values, background)


def _classes(numbers: Any) -> tuple[int, ...]:
    """Class numbers of a header: whole, from 1, each once."""
    if not all(type(number) is int and number > 0 for number in numbers):
        raise ValueError(f"its classes are {numbers}; expected numbers from 1")
    if len(set(numbers)) < len(numbers):
        raise ValueError(f"its classes are {numbers}; expected each once")
    return tuple(numbers)


def _residuals(bins: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Differences along rows, then columns, modulo 256: small numbers where maps are smooth."""
    down = np.diff(bins, axis=1, prepend=np.uint8(0))
    across: NDArray[np.uint8] = np.diff(down, axis=2, prepend=np.uint8(0))
    return across


def _restored(residuals: NDArray[np.uint8]) -> NDArray[np.uint8]:
    down = np.cumsum(residuals, axis=2, dtype=np.uint8)
    bins: NDArray[np.uint8] = np.cumsum(down, axis=1, dtype=np.uint8)
    return bins
