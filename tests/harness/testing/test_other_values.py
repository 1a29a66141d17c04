"""Claims about options are tried with other values that the plugin accepts."""

from dataclasses import dataclass
from typing import Literal

import pytest

from wsss_harness.plugins.registry import installed
from wsss_harness.testing.other_values import other_values, plain, values_like


@dataclass(frozen=True)
class Small:
    size: int = 1

    def __post_init__(self):
        if self.size % 2 == 0:
            raise ValueError("even")


@pytest.mark.parametrize(
    ("value", "annotation", "first"),
    [
        (True, bool, False),
        (1, int, 2),
        (1.0, float, 0.5),
        ("max", Literal["max", "min"], "min"),
        (8, int | Literal["grid"], "grid"),
        ((1.0, 2.0), tuple[float, ...], (0.5, 2.0)),
        (("a",), tuple[str, ...], ("a", "a")),
        (None, int | None, 1),
        (Small(2 - 1), Small, None),
    ],
)
def test_another_value_of_the_type(value, annotation, first):
    values = list(values_like(value, annotation))
    assert value not in values
    if first is not None:
        assert values[0] == first


def test_text_has_no_other_value():
    assert list(values_like("a/path", str | None)) == []


def test_values_that_a_plugin_refuses_are_left_out():
    offer = installed().find("generator", "seam")
    others = other_values(offer, {}, {"scales", "normalise", "pooling", "view", "checkpoint"})
    assert set(others) == {"scales", "normalise", "view"}  # seam has one pooling only
    assert plain(Small(3)) == {"size": 3}
