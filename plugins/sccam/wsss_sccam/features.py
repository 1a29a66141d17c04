"""The features of all train images, kept in pieces so that a killed run goes on from the last."""

import shutil
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wsss_harness import ClassMapGenerator, ClassMaps, ConfigError, Previous, Run, View, atomic

FEATURES = "features"
PIECE = 256  # images


def network_of(previous: Previous | None, device: str) -> ClassMaps:
    """The network of the generator whose features are clustered."""
    if previous is None or not isinstance(previous.generator, ClassMapGenerator):
        raise ConfigError(
            "sccam clusters the features of a generator of class maps, such as cam or sccam; name "
            "one as its previous"
        )
    network: ClassMaps = previous.generator.trained(previous.folder, device)
    return network


def labels_of(data: View) -> NDArray[np.float32]:
    """(n, C) zeros and ones: the classes of all images."""
    labels = np.zeros((len(data), len(data.classes)), np.float32)
    for row, image_id in zip(labels, data, strict=True):
        row[[number - 1 for number in data[image_id].present]] = 1
    return labels


def features_of(network: ClassMaps, data: View, run: Run) -> NDArray[np.float32]:
    """(n, channels) spatial means of the features of all images, at their own size."""
    pieces = []
    for first in range(0, len(data), PIECE):
        path = run.folder / FEATURES / f"{first:06}.npy"
        if not path.is_file():
            write_piece(path, network, data, first, run)
        pieces.append(np.load(path, allow_pickle=False))
    return np.concatenate(pieces)


def write_piece(path: Path, network: ClassMaps, data: View, first: int, run: Run) -> None:
    """Write the features of the images from number ``first``."""
    rows: list[NDArray[Any]] = []
    for number, image_id in enumerate(data.ids[first : first + PIECE], first + 1):
        rows.append(network.feature(data[image_id].image).cpu().numpy())
        run.progress(number, len(data))
    with atomic(path) as temporary, temporary.open("wb") as file:
        np.save(file, np.stack(rows))


def remove_features(run: Run) -> None:
    """Remove the pieces, which training needs no more."""
    shutil.rmtree(run.folder / FEATURES, ignore_errors=True)
