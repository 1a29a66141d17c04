"""A plugin may change the defaults of inherited options, not what they mean."""

from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

import pytest

from wsss_harness import ClassMapGenerator, ConfigError
from wsss_harness.plugins.inherited import check_inherited, new_defaults
from wsss_harness.plugins.registry import installed, load

OWNER = "generator 'sharp'"


def generator(annotations, defaults=None, **attributes):
    """A generator with these options, as a plugin would write it."""
    parts = {"__annotations__": annotations, "__module__": __name__, **(defaults or {})}
    cls = type("Sharp", (ClassMapGenerator,), {**parts, **attributes})
    return dataclass(frozen=True, kw_only=True)(cls)


BASE = ClassMapGenerator.at_inference


@pytest.mark.parametrize(
    "announced",
    [
        generator({"power": float}, {"power": 2.0}),
        generator({"scales": tuple[float, ...]}, {"scales": (1.0,)}),
        generator({"pooling": Literal["head_then_pool", "pool_then_head"]}),
        generator({"backbone": "Mapping[str, Any]"}, {"backbone": field(default_factory=dict)}),
        generator({"sharpness": float}, {"sharpness": 1.0}, at_inference=BASE | {"sharpness"}),
        generator({}, at_inference=frozenset()),
        generator({}, at_inference=BASE | {"flip"}),  # the guard of its fit decides
    ],
)
def test_new_defaults_and_options_of_its_own_are_accepted(announced):
    check_inherited(announced, OWNER)


@pytest.mark.parametrize(
    "announced",
    [
        generator({"power": float}, {"power": 2.0}, at_inference=BASE | {"power"}),
        generator({"power": float}, {"power": 2.0}, idle=ClassMapGenerator.idle | {"power"}),
        generator({}, idle=ClassMapGenerator.idle | {"power"}),
        generator({}, idle=ClassMapGenerator.idle | {"scales"}),
        generator({"power": tuple[float, ...]}, {"power": (1.0,)}),
        generator({"power": ClassVar[float]}, {"power": 2.0}),
        generator({}, {"power": 2.0}),
        generator({"power": Any}, {"power": 2.0}),
    ],
)
def test_another_meaning_is_refused_by_name(announced):
    name = "scales" if "scales" in announced.idle else "power"
    with pytest.raises(ConfigError, match=rf"'sharp': Sharp .*'{name}'.*option of ClassMapGen"):
        check_inherited(announced, OWNER)


def test_what_a_plugin_takes_over_from_its_own_package_is_its_own():
    base = generator({"sharpness": float}, {"sharpness": 1.0})
    sharper = type("Sharper", (base,), {"__annotations__": {"sharpness": int}, "sharpness": 1})
    sharper.__module__ = f"{__name__}.more"
    check_inherited(dataclass(frozen=True, kw_only=True)(sharper), OWNER)


def test_new_defaults_are_listed():
    sharp = generator({"power": float, "sharpness": float}, {"power": 2.0, "sharpness": 1.0})
    assert new_defaults(sharp) == ["power = 2.0"]


def test_a_plugin_that_misuses_an_option_is_set_aside_with_the_reason(tmp_path, monkeypatch):
    from importlib.metadata import EntryPoint

    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "wsss_power.py").write_text(
        """
from dataclasses import dataclass
from wsss_harness import ClassMapGenerator, hookimpl
@dataclass(frozen=True, kw_only=True)
class Power(ClassMapGenerator):
    needs = frozenset({"image_labels"})
    at_inference = ClassMapGenerator.at_inference | {"power"}
    power: float = 2.0
    def loss(self, classes): ...
@hookimpl
def wsss_generators():
    return {"power": Power}
"""
    )
    (broken,) = load((EntryPoint("power", "wsss_power", "wsss"),)).broken
    assert "generator 'power': Power names 'power' in at_inference" in broken.reason


def test_what_comes_with_the_harness_is_accepted():
    assert not installed().broken
