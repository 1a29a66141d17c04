"""Named arrays that a generator leaves beside its scores, such as attention, for refiners."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wsss_harness.contract.errors import DataError, PluginError
from wsss_harness.contract.types import ClassScores
from wsss_harness.stages.products import score_reader
from wsss_harness.store.work import Work
from wsss_harness.system.files import atomic

SUFFIX = ".arrays.npz"
INPUT = "arrays"  # the stage of the generator that left them


def write_arrays(
    folder: Path, image_id: str, arrays: Mapping[str, Any], names: Sequence[str], owner: str
) -> None:
    """Write the arrays of these names as float16, uncompressed; equal ones give equal bytes.

    Raises:
        PluginError: one is missing, or holds what float16 cannot, such as NaN or 100,000.
    """
    halves = {}
    for name in names:
        if name not in arrays:
            raise PluginError(
                f"{owner} left no array '{name}' for image {image_id}, which its `leaves` has; "
                "give it as ClassScores(..., arrays={...})"
            )
        with np.errstate(over="ignore"):
            halves[name] = np.asarray(arrays[name]).astype(np.float16)
        if not np.isfinite(halves[name]).all():
            raise PluginError(
                f"{owner} left '{name}' for image {image_id} with values that float16 cannot hold; "
                "leave finite values below 65,504"
            )
    with atomic(folder / f"{image_id}{SUFFIX}") as temporary, temporary.open("wb") as file:
        np.savez(file, **halves)  # type: ignore[arg-type]


class KeptArrays(Mapping[str, NDArray[Any]]):
    """The arrays of one image, of the names that a refiner wants; each is read when it is used."""

    def __init__(self, path: Path, names: Sequence[str]) -> None:
        self._path, self._names = path, tuple(names)

    def __getitem__(self, name: str) -> NDArray[Any]:
        if name not in self._names:
            raise PluginError(
                f"a refiner read the array '{name}', but wants {list(self._names)}; add it to its "
                "`wants`"
            )
        try:
            with np.load(self._path, allow_pickle=False) as arrays:
                array: NDArray[Any] = arrays[name]
        except (OSError, ValueError, KeyError) as error:
            raise DataError(
                f"{self._path} cannot be read ({error}); remove its folder, run again"
            ) from None
        return array

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


def reader_of(work: Work, names: Sequence[str]) -> Callable[[str], ClassScores]:
    """A function that reads the scores before a refiner, with the arrays of these names."""
    read = score_reader(work.inputs["scores"])
    return partial(_with_arrays, read, work.inputs[INPUT], tuple(names)) if names else read


def _with_arrays(
    read: Callable[[str], ClassScores], folder: Path, names: tuple[str, ...], image_id: str
) -> ClassScores:
    return replace(read(image_id), arrays=KeptArrays(folder / f"{image_id}{SUFFIX}", names))
