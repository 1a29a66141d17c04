"""image_labels.json and contexts.json are read as they are meant, or refused by name."""

import json

import pytest

from wsss_harness.contract.errors import DataError
from wsss_harness.datasets.voc_annotations import read_contexts, read_labels


@pytest.fixture
def labels(tmp_path):
    def write(content):
        path = tmp_path / "image_labels.json"
        path.write_text(content if isinstance(content, str) else json.dumps(content))
        return path

    return write


def test_labels_are_numbers_in_the_order_of_the_classes(labels):
    path = labels({"classes": ["cat", "dog"], "labels": {"a": ["dog", "cat", "dog"], "b": []}})
    assert read_labels(path) == (("cat", "dog"), {"a": (1, 2), "b": ()})


def test_a_byte_order_mark_is_no_content(labels):
    path = labels("\ufeff" + json.dumps({"classes": ["cat"], "labels": {}}))
    assert read_labels(path) == (("cat",), {})


@pytest.mark.parametrize(
    ("content", "named"),
    [
        ({"classes": ["cat", "cat"], "labels": {}}, "class 2, 'cat'"),
        ({"classes": ["background", "cat"], "labels": {}}, "'background'"),
        ({"classes": "cat", "labels": {}}, "list of names"),
        ({"classes": ["cat"], "labels": {"a": "cat"}}, "image a has the labels 'cat'"),
        ({"classes": ["cat"], "labels": {"a": None}}, "image a has the labels None"),
        ({"classes": ["cat"], "labels": {"a": [1]}}, "image a has class 1"),
        ({"classes": ["cat"], "labels": {"a": [["cat"]]}}, r"image a has class \['cat'\]"),
        ({"classes": ["cat"], "labels": {"a": ["Cat"]}}, "image a has class 'Cat'"),
        ({"classes": ["cat"], "labels": {"a": ["background"]}}, "image a has class 'background'"),
        ({"classes": ["cat"], "labels": [["a", []]]}, "the labels are"),
        ('{"classes": ["cat"], "labels": {"a": ["cat"], "a": []}}', "the key 'a' is there twice"),
        ([], "must hold"),
    ],
)
def test_labels_that_are_ambiguous_are_refused(labels, content, named):
    with pytest.raises(DataError, match=rf"image_labels\.json.*{named}"):
        read_labels(labels(content))


@pytest.mark.parametrize(
    ("names", "pairs", "named"),
    [
        (["rails", "rails"], [], "has 'rails' twice"),
        (["rails"], [["rails", "train"]] * 2, r"has \('rails', 'train'\) twice"),
        ("rails", [], "must hold"),
        (["rails"], ["rt"], "must hold"),
        (["rails"], [["rails"]], r"the pair \['rails'\]"),
        ([f"c{number}" for number in range(255)], [], "255 contexts"),
    ],
)
def test_contexts_that_are_ambiguous_are_refused(tmp_path, names, pairs, named):
    path = tmp_path / "contexts.json"
    path.write_text(json.dumps({"names": names, "pairs": pairs}))
    with pytest.raises(DataError, match=rf"contexts\.json.*{named}"):
        read_contexts(path, ("train",))
