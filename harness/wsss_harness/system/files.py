"""Reading and writing files; a killed process never leaves a file half-written."""

import errno
import json
import os
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from wsss_harness.contract.errors import DataError, PluginError

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
    except OSError as error:
        if is_disk_full(error) and not error.filename:  # written to an open file
            error.filename = str(path)
        raise
    finally:
        temporary.unlink(missing_ok=True)


def is_disk_full(error: BaseException) -> bool:
    return isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)


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


@contextmanager
def array_writer(path: Path) -> Iterator[Callable[[str, NDArray[Any]], None]]:
    """Yield a function that adds a named array to an .npz file, the same bytes each time."""
    with (
        atomic(path) as temporary,
        zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED) as archive,
    ):

        def write(name: str, values: NDArray[Any]) -> None:
            with archive.open(f"{name}.npy", "w") as file:
                np.lib.format.write_array(file, values, allow_pickle=False)

        yield write


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
