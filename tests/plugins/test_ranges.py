"""No method takes a negative number or a share above what there is, whichever option it is."""

import dataclasses
import typing
from collections.abc import Iterator

import pytest

from wsss_harness.contract.errors import ConfigError
from wsss_harness.plugins.registry import installed

KINDS = ("dataset", "generator", "refiner", "mask_refiner", "segmentor")
FROM_THE_END = {"layer"}  # options that may count from the last
PAIR = {"widths"}  # checked where the network is built


def numbers() -> Iterator[tuple[str, str, str, object]]:
    """Kind, name and option of each number of every plugin, with a negative value for it."""
    for kind in KINDS:
        for name, offer in installed().offers[kind].items():
            for option, annotation in typing.get_type_hints(offer.announced).items():
                parts = typing.get_args(annotation)
                if annotation in (int, float) or {int, float} & {*parts}:
                    several = typing.get_origin(annotation) is tuple
                    length = 1 if ... in parts else len(parts)
                    yield kind, name, option, [-3] * length if several else -3


def test_no_option_takes_a_negative_number():
    taken = []
    for kind, name, option, value in numbers():
        cls = installed().offers[kind][name].announced
        fields = {field.name: field for field in dataclasses.fields(cls)}
        if option not in fields or option in FROM_THE_END | PAIR:
            continue
        missing = dataclasses.MISSING
        needed = {
            f.name: "x"
            for f in fields.values()
            if f.default is missing and f.default_factory is missing
        }
        try:
            installed().build(kind, name, {**needed, option: value})
            taken.append((name, option))
        except ConfigError:
            continue
    assert taken == []


@pytest.mark.parametrize("option", ["flip", "dropout", "momentum", "tau", "lam"])
def test_a_share_is_not_above_one(option):
    with pytest.raises(ConfigError, match=option):
        installed().build("generator", "eps", {option: 1.5})
