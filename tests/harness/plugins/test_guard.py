"""A fit cannot read what its key leaves out, by whatever way."""

import copy
import dataclasses
import pickle
from dataclasses import dataclass, field
from functools import cached_property
from typing import ClassVar

import pytest

from wsss_harness.contract.errors import PluginError
from wsss_harness.plugins.guard import for_fit
from wsss_harness.plugins.options import divided

OWNER = "generator 'sharp'"


@dataclass(frozen=True, kw_only=True)
class Sharp:
    at_inference: ClassVar[frozenset[str]] = frozenset({"sharpness", "scales"})
    idle: ClassVar[frozenset[str]] = frozenset({"workers"})
    lr: float = 0.1
    sharpness: float = 1.0
    scales: tuple[float, ...] = (1.0,)
    workers: int = 0
    rate: float = field(init=False, default=0.0)

    def __post_init__(self):
        object.__setattr__(self, "rate", 2 * self.lr)
        object.__setattr__(self, "power", 10 * self.sharpness)

    @cached_property
    def doubled(self):
        return 2 * self.sharpness

    def helper(self):
        return self.sharpness

    def read_by_super(self):
        return self.scales


class SharpChild(Sharp):
    def read_by_super(self):
        return super().read_by_super()


@dataclass(frozen=True, slots=True)
class Slotted:
    at_inference: ClassVar[frozenset[str]] = frozenset({"late"})
    late: float = 1.0
    early: float = 2.0


@pytest.fixture(params=["here", "in a worker", "copied"])
def guarded(request):
    plugin = SharpChild(lr=0.2, sharpness=3.0, workers=4)
    assert plugin.doubled == 6  # cached before the fit
    guarded = for_fit(plugin, OWNER)
    if request.param == "in a worker":
        return pickle.loads(pickle.dumps(guarded))
    return copy.deepcopy(guarded) if request.param == "copied" else guarded


@pytest.mark.parametrize(
    "read",
    [
        lambda p: p.sharpness,
        lambda p: getattr(p, "sharpness", None),
        lambda p: p.helper(),
        lambda p: p.doubled,
        lambda p: p.read_by_super(),
        dataclasses.asdict,
        dataclasses.astuple,
        lambda p: dataclasses.replace(p, lr=1.0),
        lambda p: dataclasses.replace(p, sharpness=1.0),  # scales would be taken over
    ],
)
def test_an_option_of_later_stages_cannot_be_read(guarded, read):
    with pytest.raises(PluginError, match=r"the fit of generator 'sharp' read the option 's"):
        read(guarded)


def test_what_was_made_of_it_was_made_of_its_default(guarded):
    assert guarded.power == 10
    assert "sharpness" not in vars(guarded)


def test_everything_else_is_there(guarded):
    assert (guarded.lr, guarded.rate, guarded.workers) == (0.2, 0.4, 4)
    assert isinstance(guarded, SharpChild)
    assert "sharpness" not in repr(guarded)
    assert hash(guarded) == hash(for_fit(SharpChild(lr=0.2, workers=4), OWNER))
    assert guarded == for_fit(SharpChild(lr=0.2, workers=4), OWNER) != for_fit(SharpChild(), OWNER)


def test_what_the_fit_sets_itself_can_be_read(guarded):
    own = dataclasses.replace(guarded, sharpness=5.0, scales=(2.0,))
    assert (own.sharpness, own.helper(), own.lr) == (5.0, 5.0, 0.2)
    with pytest.raises(PluginError):
        _ = guarded.sharpness


def test_other_attributes_are_read_as_before():
    guarded = for_fit(Sharp(), OWNER)
    assert type(guarded).__getattribute__ is object.__getattribute__
    assert not hasattr(type(guarded), "__getattr__")


def test_slots_are_guarded_too():
    guarded = pickle.loads(pickle.dumps(for_fit(Slotted(3.0, 4.0), OWNER)))
    assert guarded.early == 4
    with pytest.raises(PluginError, match="option 'late'"):
        _ = guarded.late


def test_a_plugin_that_keeps_what_it_cannot_be_built_without_is_named():
    @dataclass(frozen=True)
    class Keeping:
        at_inference: ClassVar[frozenset[str]] = frozenset({"late"})
        late: float

        def __post_init__(self):
            if self.late > 5:
                object.__setattr__(self, "kept", self.late)

    with pytest.raises(PluginError, match="generator 'sharp' keeps 'kept'"):
        for_fit(Keeping(6.0), OWNER)
    with pytest.raises(PluginError, match="option 'late'"):
        _ = for_fit(Keeping(1.0), OWNER).late


def test_a_plugin_without_such_options_is_left_as_it_is():
    @dataclass(frozen=True)
    class Plain:
        idle: ClassVar[frozenset[str]] = frozenset({"workers"})
        workers: int = 1

    plugin = Plain(2)
    assert divided(plugin)[1] == {}
    assert for_fit(plugin, OWNER) is plugin
