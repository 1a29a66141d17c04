"""Features of texts from a file, so that no text tower and no tokeniser is needed.

The file is an .npz with ``prompts`` (n,) and ``features`` (n, E), float32.
"""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from wsss_harness import ConfigError, DataError

Features = NDArray[np.float32]


def read_features(path: Path) -> dict[str, Features]:
    """Features (E,) by prompt.

    Raises:
        DataError: the file holds other arrays, or arrays of unequal length.
    """
    try:
        with np.load(path, allow_pickle=False) as arrays:
            prompts, features = arrays["prompts"], arrays["features"]
    except (OSError, ValueError, KeyError) as error:
        raise DataError(
            f"{path} cannot be read as features of texts ({error}); expected an .npz with the "
            "arrays prompts (n,) and features (n, E)"
        ) from None
    if features.ndim != 2 or prompts.shape != features.shape[:1]:
        raise DataError(
            f"{path} has prompts {prompts.shape} and features {features.shape}; expected (n,) and "
            "(n, E)"
        )
    return dict(zip(map(str, prompts), features.astype(np.float32), strict=True))


def ensembled(features: Sequence[Features]) -> Features:
    """The mean of features of length 1, of length 1 again: (E,)."""
    units = [feature / np.linalg.norm(feature) for feature in features]
    mean = np.mean(units, axis=0)
    result: Features = (mean / np.linalg.norm(mean)).astype(np.float32)
    return result


def features_of(
    names: Iterable[Sequence[str]], templates: Sequence[str], known: Mapping[str, Features]
) -> Features:
    """(n, E): for each entry the features of its names in all templates, ensembled.

    Raises:
        ConfigError: names the prompts whose features are not known.
    """
    prompts = [[t.format(name) for name in entry for t in templates] for entry in names]
    if missing := [prompt for entry in prompts for prompt in entry if prompt not in known]:
        listed = ", ".join(f"'{prompt}'" for prompt in missing[:3])
        raise ConfigError(
            f"the file of text features lacks {len(missing)} prompts, such as {listed}; add their "
            "features to it, or change the texts of the suite or the option templates"
        )
    return np.stack([ensembled([known[prompt] for prompt in entry]) for entry in prompts])
