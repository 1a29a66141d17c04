"""The affinity of patches that MCTformer leaves for refiners."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from numpy.typing import NDArray

from wsss_harness import ClassMaps, Image
from wsss_harness.networks.classmaps.augment import normalise
from wsss_mctformer.attention import patch_affinity

AFFINITY = "affinity"


@dataclass(frozen=True)
class LeftArrays(Mapping[str, NDArray[Any]]):
    """``affinity`` of an image, computed when it is read: few suites have a refiner that wants it.

    (h, w, h, w): the attention of the patch in the first two places to that in the last two, the
    sum over all layers, of the image at its own size.
    """

    network: ClassMaps
    image: Image

    def __getitem__(self, name: str) -> NDArray[Any]:
        if name != AFFINITY:
            raise KeyError(name)
        values = torch.from_numpy(normalise(self.image, self.network.mean, self.network.std))
        with torch.no_grad():
            outputs: Any = self.network(values[None].to(self.network.device), "mean")
        classes, grid = outputs.class_logits.shape[1], outputs.grid
        affinity = patch_affinity(outputs.attention, classes)[0].reshape(*grid, *grid)
        array: NDArray[Any] = affinity.cpu().numpy()
        return array

    def __iter__(self) -> Iterator[str]:
        return iter((AFFINITY,))

    def __len__(self) -> int:
        return 1
