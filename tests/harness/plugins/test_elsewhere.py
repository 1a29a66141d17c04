"""Questions to another environment, and the stand-ins that show what it answers."""

import dataclasses
import os
import signal

import pytest
from environments import environment

from wsss_harness.contract.errors import ConfigError, WorkerDied
from wsss_harness.plugins import elsewhere
from wsss_harness.plugins.elsewhere import PluginsElsewhere, call, plugins_at
from wsss_harness.plugins.environments import Environment
from wsss_harness.plugins.options import divided, names
from wsss_harness.plugins.registry import installed
from wsss_harness.system.interpreters import packed, unpacked


@pytest.fixture(scope="module")
def old(tmp_path_factory):
    python = environment(tmp_path_factory.mktemp("old"))
    yield Environment(name="old", python=str(python))
    elsewhere.end_all()


def test_one_process_answers_until_it_ends_and_then_another_one(old):
    first = call(old, os.getpid)
    assert call(old, os.getpid) == first
    os.kill(first, signal.SIGKILL)
    second = call(old, os.getpid)
    assert second not in (first, os.getpid())
    with pytest.raises(WorkerDied, match="environment 'old'"):
        call(old, os._exit, 0)
    assert call(old, os.getpid) != second


def test_class_there_shows_its_options_and_what_it_declares(old):
    assert "old" not in installed().offers["generator"]
    plugins = plugins_at(installed(), old)
    cls = plugins.dataclass_of("generator", "old")
    assert names(cls) == ("value", "width", "pause", "how")
    assert cls.needs == {"image_labels"}
    assert plugins.find("generator", "old").distribution == "old_method 0.1"
    assert plugins_at(installed(), None) is installed()


def test_stand_in_divides_its_options_as_the_plugin_does(old):
    method = PluginsElsewhere(old).build("generator", "old", {"value": 0.5})
    assert divided(method) == ({"width": 3}, {"value": 0.5})
    assert hasattr(method, "load")
    assert not hasattr(method, "load_segmentor")


def test_stand_in_becomes_the_plugin_there(old):
    method = PluginsElsewhere(old).build("generator", "old", {"width": 7})
    assert call(old, dataclasses.asdict, method)["width"] == 7
    with pytest.raises(ConfigError, match="no generator is named 'old'"):
        unpacked(packed(method))


def test_options_without_use_are_found_there(old):
    """As those of a built-in plugin are found here."""
    options = {"optimizer": "adamw"}
    here, there = (
        plugins_at(installed(), place).dataclass_of("generator", "mcis") for place in (None, old)
    )
    assert names(here) == names(there)
    assert here.unused(options) == there.unused(options) != here.unused({})
