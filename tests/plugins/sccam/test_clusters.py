"""Sub-classes of SC-CAM: k-means of planted features, by hand and against the released program."""

import sys

import numpy as np
import pytest
from golden_files import golden

from wsss_harness.contract.errors import ConfigError, DataError
from wsss_sccam.clusters import cluster, sub_labels


def planted(per_kind=4, kinds=3, seed=0):
    """Features around ``kinds`` far points, and the kind of each."""
    rng = np.random.default_rng(seed)
    kind = np.repeat(np.arange(kinds), per_kind)
    return rng.normal(0, 0.1, (len(kind), 5)) + 10 * np.eye(kinds, 5)[kind], kind


def partition(numbers):
    """The groups of equal numbers, whatever the numbers are."""
    return {frozenset(np.flatnonzero(numbers == number)) for number in set(numbers)}


def test_planted_clusters_are_found():
    features, kind = planted()
    assert partition(cluster(features, 3)) == partition(kind)


def test_clusters_do_not_depend_on_the_order_of_images():
    features, kind = planted()
    order = np.random.default_rng(1).permutation(len(kind))
    assert partition(cluster(features[order], 3)) == partition(kind[order])


def test_an_image_has_one_sub_class_under_each_of_its_classes():
    features, _ = planted()
    labels = np.zeros((12, 2))
    labels[:, 0], labels[4:, 1] = 1, 1
    columns = sub_labels(features, labels, ("cat", "dog"), 3)
    assert columns.shape == (12, 6)
    assert np.array_equal(columns[:, :3].sum(1), labels[:, 0])
    assert np.array_equal(columns[:, 3:].sum(1), labels[:, 1])


def test_with_one_cluster_sub_classes_are_the_classes():
    features, _ = planted()
    labels = np.random.default_rng(2).integers(0, 2, (12, 3))
    assert np.array_equal(sub_labels(features, labels, ("a", "b", "c"), 1), labels)


def test_a_class_in_no_image_has_no_sub_class():
    features, _ = planted()
    labels = np.zeros((12, 2))
    labels[:, 0] = 1
    assert not sub_labels(features, labels, ("cat", "dog"), 2)[:, 2:].any()


def test_a_class_with_fewer_images_than_clusters_is_refused_by_name():
    features, _ = planted()
    labels = np.zeros((12, 2))
    labels[:, 0], labels[:2, 1] = 1, 1
    with pytest.raises(DataError, match=r"class 'dog' has 2 images.*3 clusters.*lower.*clusters"):
        sub_labels(features, labels, ("cat", "dog"), 3)


def test_missing_scikit_learn_is_named_with_the_command_that_installs_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn.cluster", None)
    with pytest.raises(ConfigError, match=r"pip install 'wsss-bench\[sccam\]'"):
        cluster(np.zeros((2, 2)), 1)


@pytest.mark.golden
def test_golden_sub_labels():
    """The released program lists images class by class, each where it comes first."""
    file = golden("sccam.npz")
    labels, clusters = file["label20"], int(file["k_cluster"])
    columns = sub_labels(file["features"], labels, [str(c) for c in range(20)], clusters)
    by_class = [image for number in range(20) for image in np.flatnonzero(labels[:, number])]
    order = list(dict.fromkeys(by_class))
    assert order == file["out_image_index"].tolist()
    assert np.array_equal(labels[order], file["out_label20"])
    expected = file["out_label_sub"].reshape(len(order), 20, clusters)
    actual = columns[order].reshape(len(order), 20, clusters)
    for number in range(20):
        rows = np.flatnonzero(labels[order][:, number])
        assert partition(actual[rows, number].argmax(1)) == partition(
            expected[rows, number].argmax(1)
        )
        assert np.array_equal(actual[:, number].sum(1), expected[:, number].sum(1))
