"""A dataset with fewer images of a split, which hold as many of its classes as they can."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, cast

import xxhash

from wsss_harness.contract.hookspecs import DatasetSource, Run
from wsss_harness.contract.supervision import Dataset, scored_ids
from wsss_harness.stages.stage_data import TRAIN, open_dataset

Split = Literal["train", "val"]


@dataclass(frozen=True)
class LimitedSource:
    """Opens what ``source`` does, with at most so many images of each split in ``most``."""

    source: DatasetSource
    most: Mapping[Split, int]

    def prepare(self, run: Run) -> None:
        self.source.prepare(run)

    def open(self, folder: Path) -> Dataset:
        return cast(Dataset, Limited(open_dataset(self.source, folder), self.most))


@dataclass(frozen=True)
class Limited:
    """A dataset with some images of each split in ``most``; of train, scored ones first."""

    dataset: Dataset
    most: Mapping[Split, int]

    def __getattr__(self, name: str) -> Any:
        if name == "dataset":  # it is not there yet while a copy is read in another process
            raise AttributeError(name)
        return getattr(self.dataset, name)

    @property
    def scored(self) -> tuple[str, ...]:
        scored = {*scored_ids(self.dataset)}
        return tuple(image_id for image_id in self.ids(TRAIN) if image_id in scored)

    def ids(self, split: str) -> tuple[str, ...]:
        return self._kept[split] if split in self.most else self.dataset.ids(split)

    @cached_property
    def _kept(self) -> dict[str, tuple[str, ...]]:
        return {split: self._choose(split, count) for split, count in self.most.items()}

    def _choose(self, split: str, count: int) -> tuple[str, ...]:
        ids, first = self.dataset.ids(split), scored_ids(self.dataset) if split == TRAIN else ()
        chosen = covering(first, self.dataset.present, count)
        others = [image_id for image_id in ids if image_id not in {*first}]
        chosen |= covering(others, self.dataset.present, count - len(chosen))
        return tuple(image_id for image_id in ids if image_id in chosen)

    def fingerprint(self) -> str:
        content = repr((self.dataset.fingerprint(), sorted(self._kept.items())))
        return xxhash.xxh3_128_hexdigest(content.encode())


def covering(
    ids: Sequence[str], classes_of: Callable[[str], Sequence[int]], count: int
) -> set[str]:
    """``count`` images: each next one has most classes that no earlier one has, ties in order.

    Once all classes are there, the search begins anew with the images that are left.
    """
    left = {image_id: frozenset(classes_of(image_id)) for image_id in ids if count > 0}
    every: frozenset[int] = frozenset().union(*left.values())
    chosen, missing = set(), every
    for _ in range(min(count, len(left))):
        best = max(left, key=lambda image_id: len(left[image_id] & missing))
        chosen.add(best)
        missing = (missing - left.pop(best)) or every
    return chosen
