"""Reading and writing files; a killed process never leaves a file half-written."""

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray
from PIL import Image as PillowImage
from PIL import UnidentifiedImageError

from wsss_harness.contract.errors import DataError, PluginError
from wsss_harness.contract.types import IGNORE, Image, Map, Mask

TEMPORARY = ".part"


def configs() -> Path:
    """The folder of suites and segmentors: in the installed package, or at the root of a clone."""
    package = Path(__file__).parents[1]
    inside = package / "configs"
    return inside if inside.is_dir() else package.parents[1] / "configs"


@contextmanager
def atomic(path: Path) -> Iterator[Path]:
    """Yield a temporary path, which is renamed to ``path`` if the body succeeds."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}{TEMPORARY}")
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        yield temporary
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def remove_temporary_files(folder: Path) -> None:
    """Remove the files of killed writers; nobody else may be writing in ``folder``."""
    for path in folder.rglob(f".*{TEMPORARY}"):
        path.unlink()


def write_text(path: Path, text: str) -> None:
    with atomic(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: Path, content: Any) -> None:
    """Write ``content`` with sorted keys; NaN is refused because it is not JSON."""
    write_text(path, json.dumps(content, indent=1, sort_keys=True, allow_nan=False) + "\n")


def read_json(path: Path, make_object: Callable[[list[tuple[str, Any]]], Any] | None = None) -> Any:
    """The content of a file; DataError if it is missing or not JSON (NaN and infinity are not).

    ``make_object`` makes an object of its pairs of key and value; ValueError refuses the file.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")  # Windows writes a mark before UTF-8
        return json.loads(text, parse_constant=_refuse, object_pairs_hook=make_object)
    except FileNotFoundError:
        raise DataError(f"{path} is missing") from None
    except (IsADirectoryError, NotADirectoryError, PermissionError) as error:
        raise DataError(f"{path} cannot be read ({error.strerror}); it must be a file") from None
    except (ValueError, RecursionError) as error:
        raise DataError(
            f"{path} is not valid JSON ({error}); correct it, or delete it and run again if a "
            "run wrote it"
        ) from None


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not a JSON number")


def _pixels(path: Path, mode: str | None) -> np.ndarray[Any, np.dtype[np.uint8]]:
    try:
        with PillowImage.open(path) as picture:
            if picture.mode.startswith(("I", "F")):
                raise DataError(f"{path} has mode '{picture.mode}'; save it with 8 bits a pixel")
            return np.array(picture if mode is None else picture.convert(mode), dtype=np.uint8)
    except FileNotFoundError:
        raise DataError(f"{path} is missing") from None
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError) as error:
        raise DataError(
            f"{path} cannot be read as an image ({error}); replace the file or remove its id "
            "from the list"
        ) from None


def read_image(path: Path) -> Image:
    """An image as (H, W, 3) uint8 RGB."""
    return _pixels(path, "RGB")


def read_grey(path: Path) -> Mask:
    """A single-channel 8-bit picture as (H, W) uint8."""
    return _pixels(path, "L")


def read_mask(path: Path) -> Mask:
    """A mask stored as palette or grey PNG, as (H, W) uint8 class indices."""
    mask = _pixels(path, None)
    if mask.ndim != 2:
        raise DataError(
            f"{path} has {mask.shape[-1]} channels; a mask is a palette or grey PNG whose "
            "pixel values are class indices"
        )
    return mask


def read_map(path: Path, size: tuple[int, ...]) -> Map:
    """A single-channel 8-bit picture as (H, W) in [0, 1]; DataError unless it has ``size``."""
    values: Map = check_size(read_grey(path), size, path).astype(np.float32) / np.float32(255)
    return values


def read_class_mask(path: Path, size: tuple[int, ...], classes: int) -> Mask:
    """A mask of ``size`` with values 0..``classes`` or 255.

    Raises:
        DataError: it is missing or damaged, or has another size or another value.
    """
    mask = check_size(read_mask(path), size, path)
    wrong = mask[(mask > classes) & (mask != IGNORE)]
    if wrong.size:
        raise DataError(
            f"{path} holds the value {wrong[0]}, but there are {classes} classes: values are "
            f"0..{classes} or {IGNORE}"
        )
    return mask


def check_size(values: Mask, size: tuple[int, ...], path: Path) -> Mask:
    """Return ``values``, read from ``path``; DataError unless they have the image's (H, W)."""
    if values.shape != size:
        raise DataError(
            f"{path} is {values.shape[1]}x{values.shape[0]}, but its image is {size[1]}x{size[0]}; "
            "both must have the same size"
        )
    return values


@contextmanager
def row_writer(path: Path, count: int) -> Iterator[Callable[[NDArray[np.int64]], None]]:
    """Yield a function that appends one of the ``count`` rows of an .npy array.

    Unlike the pages of a memory map, written rows take no memory.
    """
    shape: tuple[int, ...] = ()
    with atomic(path) as temporary, temporary.open("wb") as file:

        def write(row: NDArray[np.int64]) -> None:
            nonlocal shape
            if not file.tell():
                shape = row.shape
                header = {"descr": "<i8", "fortran_order": False, "shape": (count, *shape)}
                np.lib.format.write_array_header_1_0(file, header)
            if row.shape != shape:
                raise PluginError(
                    f"{path.stem} has counts of shape {row.shape} after {shape}; the counts of all "
                    "images must have the same shape, because they are added"
                )
            file.write(row.astype("<i8").tobytes())

        yield write


@cache
def palette() -> bytes:
    """The PASCAL VOC colour map, 256 RGB triples: bits of the index spread over the channels."""
    colours = np.zeros((256, 3), np.uint8)
    for bit in range(8):
        for channel in range(3):
            bits = (np.arange(256) >> (3 * bit + channel)) & 1
            colours[:, channel] |= (bits << (7 - bit)).astype(np.uint8)
    return colours.tobytes()


def has_voc_palette(path: Path) -> bool:
    """Whether a picture is grey, or has a palette that starts with PASCAL VOC's 21 colours."""
    with PillowImage.open(path) as picture:
        colours = picture.getpalette() if picture.mode == "P" else None
    return colours is None or bytes(colours[: 3 * 21]) == palette()[: min(len(colours), 3 * 21)]


def write_mask(path: Path, mask: Mask) -> None:
    """Write ``mask`` as a palette PNG in VOC colours."""
    height, width = mask.shape
    picture = PillowImage.frombytes("P", (width, height), mask.tobytes())
    picture.putpalette(palette())
    with atomic(path) as temporary:
        picture.save(temporary, format="PNG")


def write_grey(path: Path, values: NDArray[np.uint8]) -> None:
    """Write (H, W) values as a single-channel PNG."""
    with atomic(path) as temporary:
        PillowImage.fromarray(values).save(temporary, format="PNG")
