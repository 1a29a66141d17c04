"""The centres of all classes, from the features of the images that have them."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from wsss_harness import atomic
from wsss_lpcam.centres import Centres, judged, standing_in
from wsss_lpcam.clusters import cluster
from wsss_lpcam.reader import Reader, reader_of

if TYPE_CHECKING:
    from wsss_harness import Run, View
    from wsss_lpcam.settings import LpcamSettings

HIGH, LOW = 0, 1  # the groups of features, of which each has a seed


def fit(settings: LpcamSettings, data: View, run: Run) -> None:
    """Write the centres of each class to a file of its own, then the network."""
    reader = reader_of(run.previous, len(data.classes), run.device)
    images = images_by_class(data, settings.images, run.seed)
    finder = CentreFinder(settings, reader, data, run, sum(map(len, images)))
    done = 0
    for number, ids in enumerate(images, 1):
        path = path_of(run.folder, number)
        if not path.is_file():
            write(path, finder.centres(number, ids, done))
        done += len(ids)
    reader.shape.save(reader.network, run)


def images_by_class(data: View, most: int, seed: int) -> list[list[str]]:
    """The images of each class, in the order of the list; at most ``most`` unless it is 0."""
    present = {image_id: data[image_id].present for image_id in data}
    return [
        drawn([image_id for image_id in data if number in present[image_id]], most, (seed, number))
        for number in range(1, len(data.classes) + 1)
    ]


def drawn(ids: list[str], most: int, seed: Sequence[int]) -> list[str]:
    if not most or len(ids) <= most:
        return ids
    places = np.random.default_rng(seed).choice(len(ids), most, replace=False)
    return [ids[place] for place in sorted(places)]


@dataclass(frozen=True)
class CentreFinder:
    """Finds the centres of a class; ``total``: the images of all classes."""

    settings: LpcamSettings
    reader: Reader
    data: View
    run: Run
    total: int

    def centres(self, number: int, ids: Sequence[str], done: int) -> Centres:
        """Of the class with this number, whose images are ``ids``; ``done`` were seen before."""
        pairs = list(self.rows(number, ids, done))
        high, low = (
            self.clustered([pair[group] for pair in pairs], (self.run.seed, number, group))
            for group in (HIGH, LOW)
        )
        weights, name = self.reader.weights, self.data.classes[number - 1]
        if ids and (problem := standing_in(high, weights, number, name, self.settings)):
            logging.getLogger("wsss_lpcam").warning(problem)
        return judged(high, low, weights, number, self.settings)

    def rows(self, number: int, ids: Sequence[str], done: int) -> Iterator[tuple[Tensor, Tensor]]:
        """The features of each image where the scores of the class are high, and low."""
        for step, image_id in enumerate(ids, done + 1):
            yield self.reader.rows(self.data[image_id], number, self.settings.threshold)
            self.run.progress(step, self.total)

    def clustered(self, rows: Sequence[Tensor], seed: Sequence[int]) -> Tensor:
        """The centres (k, d) of rows; there are no more clusters than rows."""
        empty = self.reader.weights[:0]
        joined = torch.cat((empty, *rows))
        clusters = min(self.settings.clusters, len(joined))
        if not clusters:
            return empty
        start = np.random.default_rng(seed).choice(len(joined), clusters, replace=False)
        return cluster(joined, joined[torch.from_numpy(start)], self.settings.tolerance)[1]


def path_of(folder: Path, number: int) -> Path:
    """The file of the centres of a class."""
    return folder / "centres" / f"{number:03}.npz"


def write(path: Path, centres: Centres) -> None:
    with atomic(path) as temporary, temporary.open("wb") as file:
        np.savez(file, objects=centres.objects.numpy(), contexts=centres.contexts.numpy())


def read(path: Path) -> Centres:
    with np.load(path, allow_pickle=False) as arrays:
        return Centres(*(torch.from_numpy(arrays[name]) for name in ("objects", "contexts")))
