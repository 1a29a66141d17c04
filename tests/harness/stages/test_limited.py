"""A limit of images keeps as many classes as it can, and scored images first."""

from dataclasses import dataclass
from pathlib import Path

import pytest
import small_suite
from fake_data import FakeDataset

from wsss_harness.contract.errors import ConfigError
from wsss_harness.contract.supervision import scored_ids
from wsss_harness.stages.limited import Limited, LimitedSource, covering
from wsss_harness.suite.graph import Graph

CLASSES = {"a": (1,), "b": (1, 2), "c": (2,), "d": (3,), "e": (1, 2)}


@pytest.mark.parametrize(
    ("count", "chosen"), [(0, ""), (1, "b"), (2, "bd"), (3, "bde"), (4, "abde"), (9, "abcde")]
)
def test_each_next_image_has_the_most_classes_that_are_missing(count, chosen):
    assert covering("abcde", CLASSES.__getitem__, count) == set(chosen)


def test_images_without_classes_are_taken_in_their_order():
    assert covering("abc", lambda image_id: (), 2) == {"a", "b"}


@dataclass
class Scored(FakeDataset):
    def __init__(self):
        super().__init__()
        self.scored = self.names[4:7]


def test_scored_images_come_first_and_others_fill_up():
    data = Scored()
    few = Limited(data, {"train": 2})
    assert few.ids("train") == scored_ids(few) == (data.names[4], data.names[6])
    more = Limited(data, {"train": 5})
    assert {*data.scored} < {*more.ids("train")}
    assert len(more.ids("train")) == 5
    assert scored_ids(more) == data.scored


def test_splits_without_a_limit_are_whole():
    data = FakeDataset()
    few = Limited(data, {"val": 1})
    assert few.ids("train") == data.ids("train")
    assert len(few.ids("val")) == 1
    assert few.fingerprint() != data.fingerprint() != Limited(data, {"val": 2}).fingerprint()


def test_a_limited_source_opens_what_its_source_prepared():
    data = LimitedSource(small_suite.InMemory(), {"train": 3}).open(Path())
    assert len(data.ids("train")) == 3
    assert data.classes == ("square", "disc")


def test_a_limit_is_in_the_keys_of_stages():
    plugins = small_suite.plugins()
    keys = {
        Graph(small_suite.suite(**changes), plugins, 0).data.key
        for changes in ({}, {"limit": {"train": 3}}, {"limit": {"train": 3, "val": 1}})
    }
    assert len(keys) == 3


@pytest.mark.parametrize("limit", [{"train": 0}, {"test": 3}, {"train": "all"}])
def test_a_limit_that_cannot_be_is_refused(limit):
    with pytest.raises(ConfigError, match="limit"):
        small_suite.suite(limit=limit)
