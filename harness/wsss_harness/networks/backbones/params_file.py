"""Reading of the .params files of MXNet, in which ImageNet's ResNet38 was published.

The format is that of apache/mxnet, src/ndarray/ndarray.cc: a list of arrays, then their names.

    uint64 0x112, uint64 0, uint64 number of arrays, the arrays
    uint64 number of names, for each a uint64 length and the bytes

    array    uint32 magic, then by magic
             0xF993FAC9 (version 2), 0xF993FACA (3): int32 storage, 0 for dense
             these and 0xF993FAC8 (version 1): int32 dimensions, int64 each
             any other (before version 1): the magic is the number of dimensions, uint32 each
             then int32 device, int32 its number, int32 type, and the values

All little-endian. An array without dimensions ends after them.
"""

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wsss_harness.contract.errors import DataError

LIST = 0x112
VERSION_1, VERSION_2, VERSION_3 = 0xF993FAC8, 0xF993FAC9, 0xF993FACA
TYPES = ("<f4", "<f8", "<f2", "u1", "<i4", "i1", "<i8")
DENSE = 0
MOST_DIMENSIONS = 32


class _Reader:
    """Reads numbers and arrays from a file in sequence, without copying them."""

    def __init__(self, path: Path) -> None:
        self.path, self.place = path, 0
        self.content = np.memmap(path, np.uint8, "r") if path.stat().st_size else np.zeros(0, "u1")

    def take(self, dtype: str, count: int) -> NDArray[Any]:
        """The next ``count`` values; DataError where the file ends before them."""
        end = self.place + count * np.dtype(dtype).itemsize
        if end > len(self.content):
            raise self.error(
                f"it ends at byte {len(self.content):,}, but goes on to {end:,}: it is cut short"
            )
        values = self.content[self.place : end].view(dtype)
        self.place = end
        return values

    def number(self, dtype: str) -> int:
        return int(self.take(dtype, 1)[0])

    def error(self, problem: str) -> DataError:
        return DataError(
            f"{self.path} cannot be read as a .params file of MXNet: {problem} (at byte "
            f"{self.place:,}). Get it again; a conversion as .pth is read too"
        )


def is_params(path: Path) -> bool:
    """Whether a file begins as a .params file does."""
    with path.open("rb") as file:
        return file.read(8) == LIST.to_bytes(8, "little")


def read_params(path: Path) -> dict[str, NDArray[Any]]:
    """The arrays of a file by name, without the prefixes "arg:" and "aux:"; views into the file.

    Raises:
        DataError: the file has another format, is cut short, or holds a sparse array.
    """
    reader = _Reader(path)
    if reader.number("<u8") != LIST:
        raise reader.error("it does not begin with the number 0x112")
    reader.number("<u8")
    arrays = [_array(reader) for _ in range(reader.number("<u8"))]
    names = list(_names(reader, len(arrays)))
    if reader.place != len(reader.content):
        raise reader.error(f"{len(reader.content) - reader.place:,} bytes follow its end")
    return {
        name.removeprefix("arg:").removeprefix("aux:"): values
        for name, values in zip(names, arrays, strict=True)
    }


def _names(reader: _Reader, arrays: int) -> Iterator[str]:
    count = reader.number("<u8")
    if count != arrays:
        raise reader.error(f"it has {arrays} arrays, but {count} names")
    for _ in range(count):
        yield reader.take("u1", reader.number("<u8")).tobytes().decode("utf-8", "replace")


def _array(reader: _Reader) -> NDArray[Any]:
    shape = _shape(reader)
    if not shape:
        return np.zeros(0, np.float32)
    reader.take("<i4", 2)  # the device that held the array
    type_number = reader.number("<i4")
    if not 0 <= type_number < len(TYPES):
        raise reader.error(f"an array has the type {type_number}; known are 0 to {len(TYPES) - 1}")
    return reader.take(TYPES[type_number], math.prod(shape)).reshape(shape)


def _shape(reader: _Reader) -> tuple[int, ...]:
    magic = reader.number("<u4")
    if magic in (VERSION_2, VERSION_3) and (storage := reader.number("<i4")) != DENSE:
        raise reader.error(
            f"an array is stored in the form {storage}; only dense ones (0) are read"
        )
    versioned = magic in (VERSION_1, VERSION_2, VERSION_3)
    dimensions = reader.number("<i4") if versioned else magic
    if magic == VERSION_3 and dimensions == 0:
        return (1,)  # a single number
    if not -1 <= dimensions <= MOST_DIMENSIONS:
        raise reader.error(f"{magic:#x} is neither a known version nor a number of dimensions")
    shape = reader.take("<i8" if versioned else "<u4", max(dimensions, 0))
    if (shape < 0).any():
        raise reader.error(f"an array has the shape {shape.tolist()}")
    return tuple(int(side) for side in shape)
