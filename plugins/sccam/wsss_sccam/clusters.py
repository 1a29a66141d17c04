"""Sub-classes: the images of each class, clustered by their features.

Chang et al., "Weakly-Supervised Semantic Segmentation via Sub-category Exploration", CVPR 2020,
sec. 3.2; Juliachang/SC-CAM: create_pseudo_label.py. Features are neither projected nor normalised.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wsss_harness import ConfigError, DataError

STARTS = 10  # what scikit-learn did when the released code was written; newer ones default to one
ITERATIONS = 300

Array = NDArray[Any]


def cluster(features: Array, clusters: int, seed: int = 0) -> NDArray[np.int64]:
    """The cluster, 0..``clusters`` - 1, of each of the features (n, d), by k-means."""
    try:
        from sklearn.cluster import KMeans
    except ImportError:
        raise ConfigError(
            "generator 'sccam' needs scikit-learn; install it with pip install 'wsss-bench[sccam]'"
        ) from None
    means = KMeans(clusters, n_init=STARTS, max_iter=ITERATIONS, random_state=seed)
    numbers: NDArray[np.int64] = means.fit_predict(features).astype(np.int64)
    return numbers


def sub_labels(
    features: Array, labels: Array, names: Sequence[str], clusters: int, seed: int = 0
) -> NDArray[np.float32]:
    """(n, C * clusters) zeros and ones: column c * clusters + j is sub-class j of class c.

    ``features`` (n, d) and ``labels`` (n, C) are of n images. An image is clustered once under each
    of its classes, so each present class has one sub-class.

    Raises:
        DataError: a class has fewer images than clusters.
    """
    check_counts(labels, names, clusters)
    result = np.zeros((len(labels), labels.shape[1] * clusters), np.float32)
    for number in range(len(names)):
        images = np.flatnonzero(labels[:, number])
        if len(images):
            result[images, number * clusters + cluster(features[images], clusters, seed)] = 1
    return result


def check_counts(labels: Array, names: Sequence[str], clusters: int) -> None:
    """Raise DataError if a class has fewer images than clusters, unless it has none."""
    for name, count in zip(names, labels.sum(0).astype(int).tolist(), strict=True):
        if 0 < count < clusters:
            raise DataError(
                f"class '{name}' has {count} images, too few for {clusters} clusters; lower the "
                "option clusters"
            )
