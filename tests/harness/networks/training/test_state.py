"""States are written beside a training, rarely enough, and never half."""

import threading
import time

import pytest
import torch

from wsss_harness.contract.errors import StageError
from wsss_harness.networks.checkpoints import read_state
from wsss_harness.networks.training import state
from wsss_harness.networks.training.state import FREE, SHARE, StateWriter, copied


class Clock:
    """Seconds that pass only where a test says so."""

    def __init__(self, monkeypatch):
        self.now = 100.0
        monkeypatch.setattr(state.time, "monotonic", lambda: self.now)


@pytest.fixture
def clock(monkeypatch):
    return Clock(monkeypatch)


def a_state(iteration=1, value=1.0):
    return {"iteration": iteration, "weights": {"a": torch.full((3,), value)}}


def slow(clock, seconds, monkeypatch):
    """Let writing take this long."""
    real = state.write_state

    def write(path, content):
        clock.now += seconds
        real(path, content)

    monkeypatch.setattr(state, "write_state", write)


def written(writer):
    writer.write(a_state())
    writer._last.result()


@pytest.mark.parametrize("wanted", [True, False])
def test_the_interval_is_in_proportion_to_what_writing_took(tmp_path, clock, monkeypatch, wanted):
    writer = StateWriter(tmp_path / "state.pth", 10.0)
    slow(clock, 6.0, monkeypatch)
    written(writer)
    clock.now += 6.0 / SHARE - 1  # since it was written
    assert not writer.is_due(wanted)
    clock.now += 1.01
    assert writer.is_due(wanted)


def test_small_states_are_written_whenever_they_are_wanted(tmp_path, clock, monkeypatch):
    writer = StateWriter(tmp_path / "state.pth", 10.0)
    slow(clock, FREE / 4, monkeypatch)
    for _ in range(5):
        assert writer.is_due(wanted=True)
        assert not writer.is_due(wanted=False)
        written(writer)
    assert not writer.is_due(wanted=True)  # a second went into writing
    clock.now += FREE / 4 / SHARE + 0.01
    assert writer.is_due(wanted=True)
    assert not writer.is_due(wanted=False)
    clock.now += 10
    assert writer.is_due(wanted=False)


def test_a_training_goes_on_while_a_state_is_written(tmp_path, monkeypatch):
    go_on, real = threading.Event(), state.write_state

    def write(path, content):
        go_on.wait(30)
        real(path, content)

    monkeypatch.setattr(state, "write_state", write)
    monkeypatch.setattr(state, "FREE", 0.05)
    writer = StateWriter(tmp_path / "state.pth", 0.0)
    content = a_state(7)
    writer.write(content)
    content["weights"]["a"] += 1  # the next step of the training
    started = time.monotonic()
    assert not any(writer.is_due(wanted=True) for _ in range(100))
    assert time.monotonic() - started < 10
    go_on.set()
    assert writer.close() is None
    kept = read_state(tmp_path / "state.pth")
    assert (kept["iteration"], kept["weights"]["a"].tolist()) == (7, [1.0] * 3)


def test_what_goes_wrong_in_writing_stops_the_training(tmp_path):
    writer = StateWriter(tmp_path / "state.pth", 0.0)
    writer.write(a_state(3, float("nan")))
    with pytest.raises(StageError, match="a is no longer finite at iteration 3"):
        writer.is_due(wanted=True)
    assert isinstance(writer.close(), StageError)
    assert not (tmp_path / "state.pth").exists()


def test_a_copy_shares_nothing():
    value = {"a": torch.zeros(2), "b": [torch.zeros(1), (1, "x")], "c": {0: {"step": 3}}}
    copy = copied(value)
    value["a"] += 1
    value["b"][0] += 1
    value["c"][0]["step"] = 4
    assert copy["a"].sum() == copy["b"][0].sum() == 0
    assert (copy["b"][1], copy["c"]) == ((1, "x"), {0: {"step": 3}})
